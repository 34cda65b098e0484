import { reasons, type Denial, type ReasonCode } from '../kernel/reasons.ts';
import { plainDescription } from './oauth-error.ts';

/** What SDKs would repeat by themselves, in vain: the caller has to change something first. */
const NOT_TO_REPEAT: ReadonlySet<ReasonCode> = new Set(['too_many_failures']);

/** Up to this the wait is given in milliseconds, too; SDKs take it for the finer one. */
const SHORT_WAIT_MS = 60_000;

/**
 * The headers that a refusal carries beside its body, names and values in turn.
 *
 * @param resourceMetadata URL of the protected resource metadata (RFC 9728 §5.1), where an authorization server exists
 */
export function refusalHeaders(denial: Denial, contentType: string, resourceMetadata?: string): string[] {
  const { status, retry } = reasons[denial.code];
  const headers = ['content-type', contentType];
  if (denial.retryAfterMs !== undefined || retry === 'after' || status === 429) {
    const waitMs = Math.max(1, Math.ceil(denial.retryAfterMs ?? 1000));
    headers.push('retry-after', String(Math.ceil(waitMs / 1000)));
    if (waitMs < SHORT_WAIT_MS) headers.push('retry-after-ms', String(waitMs));
  }
  if (NOT_TO_REPEAT.has(denial.code)) headers.push('x-should-retry', 'false');
  if (denial.allow !== undefined) headers.push('allow', denial.allow);
  // RFC 9110 §15.5.22, RFC 6455 §4.4. The option of Connection that belongs to it is the server's to send.
  if (denial.upgrade !== undefined) headers.push('upgrade', denial.upgrade, 'sec-websocket-version', '13');
  const challenge = challengeOf(denial, resourceMetadata);
  if (challenge !== undefined) headers.push('www-authenticate', challenge);
  return headers;
}

/** The challenge of RFC 6750 §3; a request without credential gets none of the error's attributes (§3.1). */
function challengeOf(denial: Denial, resourceMetadata: string | undefined): string | undefined {
  const { status, oauthError } = reasons[denial.code];
  if (status !== 401 && denial.code !== 'insufficient_scope') return undefined;
  let challenge = 'Bearer realm="sallyport"';
  if (denial.code !== 'missing_credential') {
    challenge += `, error="${oauthError}", error_description="${plainDescription(denial.message)}"`;
  }
  if (denial.scope !== undefined) challenge += `, scope="${plainDescription(denial.scope)}"`;
  if (resourceMetadata !== undefined) challenge += `, resource_metadata="${plainDescription(resourceMetadata)}"`;
  return challenge;
}
