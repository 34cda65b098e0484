import type { Clock, Timer } from '../../kernel/clock.ts';
import { openSelfSigned } from './ca-store.ts';
import type { TlsConfig } from './config.ts';
import { TlsFileError, type TlsMaterial } from './material.ts';
import { isDue } from './renewal.ts';
import { readPair, watchPair, type WatchListener } from './watch.ts';

/** Where the listeners' certificate comes from, kept fresh while it runs. */
export interface TlsSource {
  /** The pair at the start; later ones go to `onMaterial`. */
  readonly material: TlsMaterial;
  /** The CA certificate that callers are to trust; undefined where the operator brings the certificate. */
  readonly caFile: string | undefined;
  /** Looks at once for a change, for a reload. */
  check(): void;
  stop(): void;
}

/** What a source needs beside its options. */
export interface TlsSourceDeps extends WatchListener {
  readonly stateDir: string;
  /** Names of a self-signed certificate. */
  readonly names: readonly string[];
  readonly clock: Clock;
}

const LOOK_AT_AGE_MS = 3_600_000;

/**
 * Opens the certificate of the configured mode, ACME aside (`adapters/acme/source.ts`); undefined where TLS is off.
 *
 * @throws TlsFileError in a line for a person
 */
export async function openTlsSource(
  config: Pick<TlsConfig, 'mode' | 'certFile' | 'keyFile'>,
  deps: TlsSourceDeps,
): Promise<TlsSource | undefined> {
  if (config.mode === 'off') return undefined;
  if (config.mode === 'self-signed') return openOwn(deps);
  const { certFile, keyFile } = config;
  if (certFile === undefined || keyFile === undefined)
    throw new TlsFileError('tls.mode files needs certFile and keyFile');
  const files = { certFile, keyFile };
  const material = readPair(files, deps.clock.nowMs());
  return { material, caFile: undefined, ...watchPair(files, material, deps.clock, deps) };
}

/** The self-signed certificate, looked at once an hour. A renewal that fails is reported and tried again. */
async function openOwn({ stateDir, names, clock, onMaterial, onProblem }: TlsSourceDeps): Promise<TlsSource> {
  const { material, caFile } = await openSelfSigned(stateDir, names, clock.nowMs());
  let current = material;
  let timer: Timer | undefined;
  let isStopped = false;
  const renew = async (): Promise<void> => {
    try {
      const opened = await openSelfSigned(stateDir, names, clock.nowMs());
      if (isStopped || opened.material.certPem === current.certPem) return;
      current = opened.material;
      onMaterial(current);
    } catch (error) {
      // Any failure (a full disk, too) leaves the old pair, which has a third of its life to go.
      onProblem(`the certificate was not renewed: ${error instanceof Error ? error.message : 'unknown failure'}`);
    }
  };
  const look = (): void => {
    if (isDue(current.notBeforeMs, current.notAfterMs, clock.nowMs())) void renew();
    timer = clock.after(LOOK_AT_AGE_MS, look);
  };
  timer = clock.after(LOOK_AT_AGE_MS, look);
  return {
    material,
    caFile,
    check: () => void renew(),
    stop() {
      isStopped = true;
      timer?.cancel();
    },
  };
}
