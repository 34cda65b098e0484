import { randomBytes } from 'node:crypto';
import type { HookRunner } from '../adapters/acme/challenges/record-hook.ts';
import type { AlpnCertificate } from '../adapters/acme/challenges/tls-alpn-01.ts';
import type { AcmeSource } from '../adapters/acme/source.ts';
import type { LogOutput } from '../adapters/log/output.ts';
import type { TlsMaterial } from '../adapters/tls/material.ts';
import { openTlsSource, type TlsSourceDeps } from '../adapters/tls/source.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import { readClientCa } from './settings.ts';
import type { TlsForWorkers } from './threads/messages.ts';
import { USER_AGENT } from './version.ts';

/** The gateway's certificate, with all that its listeners need besides. */
export interface Certificate {
  /** The CA certificate that callers are to trust; undefined where the operator brings the certificate. */
  readonly caFile: string | undefined;
  /** As it is now; undefined where TLS is off. */
  tls(): TlsForWorkers | undefined;
  /** Certificates that answer TLS-ALPN-01 now (RFC 8737). */
  alpn(): readonly AlpnCertificate[];
  expiresAtMs(): number | undefined;
  /** Begins to ask for what ACME has to issue: the CA will look at the listener. */
  begin(): void;
  /** Reads the CA of client certificates anew and looks for another certificate. @throws TlsFileError; then all stays as it is */
  reload(): void;
  stop(): void;
}

/** What it works with. */
export interface CertificateDeps {
  readonly stateDir: string;
  /** Names of a self-signed certificate. */
  readonly names: readonly string[];
  /** Addresses of this machine. */
  readonly ownAddresses: readonly string[];
  /** Of the public listener. */
  readonly port: number;
  readonly runHook: HookRunner | undefined;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'info' | 'warn' | 'error'>;
  /** Told of each change. */
  readonly onTls: (tls: TlsForWorkers) => void;
  /** Told of each change of what answers TLS-ALPN-01; resolves once all that answer have it. */
  readonly onAlpn: (certificates: readonly AlpnCertificate[]) => Promise<unknown>;
}

const TICKET_KEY_BYTES = 48;

/** Opens the certificate of the configured mode. @throws TlsFileError in a line for a person */
export async function openCertificate(config: Config, deps: CertificateDeps): Promise<Certificate> {
  const { log } = deps;
  let ticketKeys = randomBytes(TICKET_KEY_BYTES);
  let clientCaPem = readClientCa(config);
  let alpn: readonly AlpnCertificate[] = [];
  const sourceDeps: TlsSourceDeps = {
    ...deps,
    onMaterial(next) {
      material = next;
      tell();
      log.info('certificate', { expiresAt: new Date(next.notAfterMs).toISOString() });
    },
    onProblem: (why) => log.error('certificate', { why }),
  };
  const acme = config.listen.tls.mode === 'acme' ? await openIssued() : undefined;
  const source = acme ?? (await openTlsSource(config.listen.tls, sourceDeps));
  let material: TlsMaterial | undefined = source?.material;

  async function openIssued(): Promise<AcmeSource> {
    const { openAcme } = await import('./acme.ts');
    return openAcme(config, {
      ...sourceDeps,
      userAgent: USER_AGENT,
      runHook: deps.runHook,
      ownAddresses: deps.ownAddresses,
      port: deps.port,
      onProgress: (what) => log.info('acme', { what }),
      onWarning: (what) => log.warn('acme', { what }),
      async showAlpn(certificates) {
        // A worker that is replaced meanwhile starts with them.
        alpn = certificates;
        await deps.onAlpn(certificates);
      },
    });
  }

  function tls(): TlsForWorkers | undefined {
    if (material === undefined) return undefined;
    const { certPem, keyPem } = material;
    return { certPem, keyPem, ticketKeys, clientCaPem };
  }

  function tell(): void {
    const now = tls();
    if (now !== undefined) deps.onTls(now);
  }

  return {
    caFile: source?.caFile,
    tls,
    alpn: () => alpn,
    expiresAtMs: () => material?.notAfterMs,
    begin: () => acme?.start(),
    reload() {
      const next = readClientCa(config); // the same file; what it holds may be new
      if (next !== clientCaPem && material !== undefined) {
        clientCaPem = next;
        // A session of before would be resumed with a certificate that is not trusted any more.
        ticketKeys = randomBytes(TICKET_KEY_BYTES);
        tell();
      }
      source?.check();
    },
    stop: () => source?.stop(),
  };
}
