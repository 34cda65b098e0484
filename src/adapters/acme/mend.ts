import { NameProblem } from './issue.ts';
import type { ChallengeKind } from './client.ts';
import { AcmeProblem } from './problem.ts';

/** What the machine knows that helps to say what is wrong. */
export interface Surroundings {
  readonly challenge: ChallengeKind;
  /** Port of the public listener. */
  readonly port: number;
  readonly httpPort: number;
  /** Where the failed name leads by this machine's resolver; empty where nowhere. Undefined: not asked. */
  readonly resolved: readonly string[] | undefined;
  /** Addresses of this machine. */
  readonly ownAddresses: readonly string[];
}

/** A failure in a line for a person: what happened, and the mend. Never quotes a secret. */
export function failureWords(error: unknown, around: Surroundings): string {
  if (error instanceof NameProblem) return `${error.failedName}: ${nameWords(error, around)}`;
  if (error instanceof AcmeProblem) return accountWords(error);
  return error instanceof Error ? error.message : 'unknown failure';
}

function nameWords({ type, detail }: NameProblem, around: Surroundings): string {
  switch (type) {
    case 'dns':
      return around.challenge === 'dns-01'
        ? `the CA does not see the TXT record (${detail}): is it in the zone that the world asks, and had it time to spread?`
        : `the CA cannot resolve the name (${detail}): set an A or AAAA record that leads to this machine`;
    case 'connection':
      return `the CA cannot reach this gateway (${detail}): ${reachWords(around)}${resolvedWords(around)}`;
    case 'unauthorized':
    case 'tls':
    case 'incorrectResponse':
      return `the CA did not see the answer of this gateway (${detail}): ${reachWords(around)}${resolvedWords(around)}`;
    case 'caa':
      return `a CAA record forbids this CA (${detail}): add the CA to the CAA records of the name`;
    default:
      return detail;
  }
}

function reachWords({ challenge, port, httpPort }: Surroundings): string {
  if (challenge === 'dns-01') return 'publish the TXT record at the name servers that the world asks';
  const [outer, inner] = challenge === 'tls-alpn-01' ? [443, port] : [80, httpPort];
  const way = inner === outer ? `port ${outer}` : `port ${outer}, forwarded to port ${inner} here,`;
  return `let the internet reach ${way} without a proxy that ends TLS between, or use another challenge (dns-01 needs no port)`;
}

function resolvedWords({ challenge, resolved, ownAddresses }: Surroundings): string {
  if (challenge === 'dns-01' || resolved === undefined) return '';
  if (resolved.length === 0) return '. By this machine the name does not resolve: set an A or AAAA record';
  if (resolved.some((address) => ownAddresses.includes(address))) return '';
  return `. The name leads to ${resolved.slice(0, 4).join(', ')}, which is no address of this machine: right only behind NAT or a forward`;
}

function accountWords({ type, detail, retryAfterMs }: AcmeProblem): string {
  switch (type) {
    case 'rateLimited': {
      const hours = retryAfterMs === undefined ? '' : ` It may be asked again in ${durationWords(retryAfterMs)}.`;
      return `the CA's rate limit is reached (${detail}).${hours} Until then the certificate stays as it is`;
    }
    case 'rejectedIdentifier':
      return `the CA issues nothing for one of the names (${detail}): correct listen.tls.acme.names`;
    case 'invalidContact':
    case 'unsupportedContact':
      return `the CA does not take the address (${detail}): correct listen.tls.acme.email`;
    case 'externalAccountRequired':
      return `this CA wants an account that was made elsewhere (${detail}): choose another listen.tls.acme.directory`;
    case 'userActionRequired':
      return `the CA wants its new terms to be accepted (${detail})`;
    case 'badNonce':
      return 'the CA took none of its own nonces: it is tried again';
    default:
      return `the CA refused (${type}): ${detail}`;
  }
}

function durationWords(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/** How far a clock may be off before it is said, milliseconds. */
export const MAX_CLOCK_OFF_MS = 60_000;

/** A line about a clock that is off; undefined where it is not. */
export function clockWords(aheadMs: number | undefined): string | undefined {
  if (aheadMs === undefined || Math.abs(aheadMs) <= MAX_CLOCK_OFF_MS) return undefined;
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `the clock of this machine is ${seconds} s ${way} the CA's: set it (timedatectl set-ntp true), else certificates seem not yet valid or over`;
}
