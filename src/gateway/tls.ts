import type { StateDir } from '../adapters/files/state-dir.ts';
import type { LogOutput } from '../adapters/log/output.ts';
import { openSelfSigned } from '../adapters/tls/ca-store.ts';
import type { TlsMaterial } from '../adapters/tls/material.ts';
import { certificateNames } from '../adapters/tls/names.ts';
import { isDue } from '../adapters/tls/renewal.ts';
import { readPair, watchPair, type CertificateWatch } from '../adapters/tls/watch.ts';
import type { Config } from '../config/schema.ts';
import type { Clock, Timer } from '../kernel/clock.ts';

/** Certificate and key of the listeners, kept fresh. */
export interface OpenedTls {
  /** What is served now; undefined with TLS off. */
  readonly material: TlsMaterial | undefined;
  /** What callers are to trust in self-signed mode. */
  readonly caFile: string | undefined;
  /** Adds a listener to those that are told of new material. */
  onChange(listener: (material: TlsMaterial) => void): void;
  /** Looks at the operator's files now. */
  reread(): void;
  stop(): void;
}

/** What opening works with. */
export interface TlsDeps {
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly onMaterial: (material: TlsMaterial) => void;
}

/** Longest wait of one timer: beyond 2^31 ms Node fires at once. */
const LOOK_AGAIN_MS = 6 * 60 * 60 * 1000;

/** Opens what `listen.tls` asks for: our own CA and leaf, the operator's files, or nothing. */
export async function openTls(
  config: Config,
  stateDir: StateDir,
  publicUrl: string,
  machine: { readonly hostname: string; readonly interfaceAddresses: readonly string[] },
  { clock, log, onMaterial }: TlsDeps,
): Promise<OpenedTls> {
  const { mode, certFile, keyFile } = config.listen.tls;
  const listeners: ((material: TlsMaterial) => void)[] = [onMaterial];
  let material: TlsMaterial | undefined;
  let caFile: string | undefined;
  let watch: CertificateWatch | undefined;
  let timer: Timer | undefined;

  function serve(next: TlsMaterial): void {
    material = next;
    for (const listener of listeners) listener(material);
    log.info('certificate', { expiresAt: new Date(next.notAfterMs).toISOString() });
  }

  if (mode === 'self-signed') {
    const wanted = certificateNames({
      ...machine,
      listenHosts: [config.listen.host, config.admin.host],
      publicUrl,
    });
    const opened = await openSelfSigned(stateDir.path, wanted, clock.nowMs());
    material = opened.material;
    caFile = opened.caFile;
    const renew = async (): Promise<void> => {
      if (material !== undefined && isDue(material.notBeforeMs, material.notAfterMs, clock.nowMs())) {
        try {
          const next = await openSelfSigned(stateDir.path, wanted, clock.nowMs());
          if (next.isNew) serve(next.material);
        } catch (error) {
          log.error('certificate_renewal_failed', { why: error instanceof Error ? error.message : String(error) });
        }
      }
      timer = clock.after(LOOK_AGAIN_MS, () => void renew());
    };
    timer = clock.after(LOOK_AGAIN_MS, () => void renew());
  } else if (mode === 'files' && certFile !== undefined && keyFile !== undefined) {
    const files = { certFile, keyFile };
    const pair = readPair(files, clock.nowMs());
    material = pair;
    watch = watchPair(files, pair, clock, {
      onMaterial: serve,
      onProblem: (why) => log.error('certificate_files', { why }),
    });
  }

  return {
    get material() {
      return material;
    },
    caFile,
    onChange: (listener) => void listeners.push(listener),
    reread: () => watch?.check(),
    stop() {
      timer?.cancel();
      watch?.stop();
    },
  };
}
