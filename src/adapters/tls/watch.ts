import { statSync } from 'node:fs';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { parseMaterial, TlsFileError, type TlsMaterial } from './material.ts';
import { readIfThere, readSecretIfThere } from './private-files.ts';

/** The operator's own certificate files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Who hears of changes. */
export interface WatchListener {
  /** A new pair that was checked and can serve. */
  readonly onMaterial: (material: TlsMaterial) => void;
  /** The files were changed to something that cannot serve; the old pair stays. Called once for each such state. */
  readonly onProblem: (message: string) => void;
}

/** A running watch. */
export interface CertificateWatch {
  /** Looks now, whether or not anything seems changed: for a reload. */
  check(): void;
  stop(): void;
}

/**
 * Reads and checks the pair.
 *
 * @throws TlsFileError that says what is wrong
 */
export function readPair({ certFile, keyFile }: CertificateFiles, nowMs: number): TlsMaterial {
  const certPem = readIfThere(certFile);
  if (certPem === undefined) throw new TlsFileError(`there is no file ${certFile}`);
  const keyPem = readSecretIfThere(keyFile);
  if (keyPem === undefined) throw new TlsFileError(`there is no file ${keyFile}`);
  return parseMaterial(certPem, keyPem, nowMs);
}

/**
 * Watches the pair by looking at both files every few seconds: it follows links, so that a swapped directory link
 * (as Kubernetes and certbot do it) is seen, which file events miss. Tools write two files one after the other:
 * between them the pair does not fit, which is reported only if it stays so until the next look.
 *
 * @param served the pair in use
 */
export function watchPair(
  files: CertificateFiles,
  served: TlsMaterial,
  clock: Clock,
  listener: WatchListener,
  everyMs = 5000,
): CertificateWatch {
  let current = served;
  let seen = signature(files);
  let failing: string | undefined; // signature of a state that could not serve and was not reported yet
  let timer: Timer | undefined;

  const load = (isFinal: boolean): void => {
    try {
      const material = readPair(files, clock.nowMs());
      failing = undefined;
      if (material.certPem === current.certPem && material.keyPem === current.keyPem) return;
      current = material;
      listener.onMaterial(material);
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      failing = isFinal ? undefined : seen;
      if (isFinal) listener.onProblem(error.message);
    }
  };
  const look = (): void => {
    const now = signature(files);
    const hasChanged = now !== seen;
    seen = now;
    if (hasChanged) load(false);
    else if (failing !== undefined) load(true);
    timer = clock.after(everyMs, look);
  };
  timer = clock.after(everyMs, look);

  return {
    check() {
      seen = signature(files);
      load(true);
    },
    stop: () => timer?.cancel(),
  };
}

/** Changes whenever either file is another one or has other content. */
function signature({ certFile, keyFile }: CertificateFiles): string {
  return [certFile, keyFile]
    .map((file) => {
      const facts = statSync(file, { bigint: true, throwIfNoEntry: false });
      return facts === undefined ? 'none' : `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
    })
    .join('|');
}
