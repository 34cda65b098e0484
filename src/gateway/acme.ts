import { promises as dns } from 'node:dns';
import { resolve } from 'node:path';
import { openAcmeSource, type AcmeSource, type AcmeSourceDeps } from '../adapters/acme/source.ts';
import { createDnsSolver } from '../adapters/acme/challenges/dns-01.ts';
import { createHttpSolver } from '../adapters/acme/challenges/http-01.ts';
import { createRecordDrop } from '../adapters/acme/challenges/record-drop.ts';
import { createRecordHook, type HookRunner } from '../adapters/acme/challenges/record-hook.ts';
import { SolverFault, type Solver } from '../adapters/acme/challenges/solver.ts';
import { createAlpnSolver, type AlpnCertificate } from '../adapters/acme/challenges/tls-alpn-01.ts';
import { createAcmeExchange } from '../adapters/acme/exchange.ts';
import type { Config } from '../config/schema.ts';

/** What the gateway brings to its ACME source. */
export interface AcmeParts extends Omit<AcmeSourceDeps, 'acmeNames' | 'exchange' | 'solver' | 'resolve' | 'random'> {
  readonly userAgent: string;
  /** What works only with something that cannot be seen from here. */
  readonly onWarning: (what: string) => void;
  /** Runs the hook of DNS-01; undefined where nobody outside the sandbox does. */
  readonly runHook: HookRunner | undefined;
  /** Gives all workers the certificates that answer TLS-ALPN-01; resolves once each of them has them. */
  readonly showAlpn: (certificates: readonly AlpnCertificate[]) => Promise<unknown>;
}

/** Opens the certificate of `tls.mode: acme` with the answers to the configured kind of challenge. */
export function openAcme(config: Config, parts: AcmeParts): Promise<AcmeSource> {
  const { tls } = config.listen;
  const acmeNames = acmeNamesOf(config);
  const warning = forwardWarning(config, parts.port, acmeNames);
  if (warning !== undefined) parts.onWarning(warning);
  return openAcmeSource(tls, {
    ...parts,
    acmeNames,
    exchange: createAcmeExchange(parts.userAgent),
    solver: solverOf(config, parts, acmeNames),
    resolve: addressesOf,
    random: Math.random,
  });
}

/** Names that are asked for: the listed ones, else the host of the public URL. Each once. */
export function acmeNamesOf({ listen: { publicUrl, tls } }: Config): readonly string[] {
  if (tls.acme.names.length > 0) return [...new Set(tls.acme.names)];
  return publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
}

/** A CA asks one port only: where we listen on another, somebody has to forward it. */
function forwardWarning({ listen }: Config, port: number, names: readonly string[]): string | undefined {
  const { challenge, httpPort } = listen.tls.acme;
  if (challenge === 'dns-01') return undefined;
  const [outer, inner] = challenge === 'http-01' ? [80, httpPort] : [443, port];
  if (inner === outer) return undefined;
  return `the CA connects to port ${outer} of ${names.join(', ')} and this is port ${inner}: it must be forwarded here as TCP`;
}

function solverOf({ listen }: Config, parts: AcmeParts, names: readonly string[]): Solver {
  const { challenge, httpPort, hook } = listen.tls.acme;
  switch (challenge) {
    case 'tls-alpn-01':
      return createAlpnSolver(parts.showAlpn, () => parts.clock.nowMs());
    case 'http-01': {
      const publicUrl = listen.publicUrl ?? `https://${names[0] ?? 'localhost'}`;
      return createHttpSolver({ host: listen.host, port: httpPort, publicUrl });
    }
    case 'dns-01': {
      const { clock, runHook } = parts;
      if (hook?.startsWith('drop:') === true) {
        return createDnsSolver(createRecordDrop({ folder: resolve(hook.slice('drop:'.length)), resolveTxt, clock }));
      }
      if (runHook === undefined) {
        throw new SolverFault('a hook for dns-01 is run by the launcher: start the gateway by the command sallyport');
      }
      return createDnsSolver(createRecordHook(hook ?? '', runHook));
    }
  }
}

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await dns.lookup(name.replace(/^\*\./, ''), { all: true })).map(({ address }) => address);
  } catch {
    return []; // that it leads nowhere is the answer
  }
}

async function resolveTxt(name: string): Promise<readonly string[]> {
  try {
    return (await dns.resolveTxt(name)).map((parts) => parts.join(''));
  } catch {
    return []; // not there yet
  }
}
