import { crc32 } from 'node:zlib';
import type { ParsedHead } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import type { Offence } from '../../limits/bans.ts';
import { matchRoute } from '../../vllm/routes/match.ts';
import { FRAMING } from '../../wire/request-head.ts';

/** What of a request speaks against its address. */
export interface SeenOffence {
  readonly offence: Offence;
  /** The same for requests that count once. */
  readonly kind: number;
}

/**
 * The offence that a request of an unknown caller was; undefined for what honest clients do, too. A missing credential is
 * none: only where it was missing tells whether somebody looks around.
 *
 * @param head undefined where it was refused
 */
export function offenceOf(head: ParsedHead | undefined, { kind, status, code, why }: Outcome): SeenOffence | undefined {
  if (why === FRAMING) return { offence: 'smuggling', kind: 0 };
  // The authorization server says by its status alone that there were too many wrong secrets, codes or passwords.
  const isTold = code === 'too_many_failures' || (kind === 'answer' && status === 429);
  if (isTold) return { offence: 'failures', kind: 0 };
  return status === 401 && head !== undefined && isScan(head) ? { offence: 'scan', kind: crc32(head.path) } : undefined;
}

/** Whether nobody who knows what is here asks for it: a path that vLLM does not have, or that is closed in any case. */
function isScan({ method, path }: ParsedHead): boolean {
  if (method === 'OPTIONS' || (method === 'HEAD' && path === '/') || HONEST.has(path)) return false;
  // Metadata is looked for by trial (RFC 8414 §3, RFC 9728 §3), and a server that is off has its pages still bookmarked.
  if (SEARCHED.test(path)) return false;
  const row = matchRoute(path);
  return row === undefined || row.policy === 'closed';
}

/** What SDKs and browsers ask for by themselves. */
const HONEST: ReadonlySet<string> = new Set(['/api/hello', '/favicon.ico']);
const SEARCHED = /^\/(?:\.well-known|oauth|device|account)(?:\/|$)/;
