import type { ChallengeOffer } from '../kernel/exchange.ts';
import { reasons, type Denial, type ReasonCode } from '../kernel/reasons.ts';
import { plainDescription } from './oauth-error.ts';

/** What SDKs would repeat by themselves, in vain: the caller has to change something first. */
const NOT_TO_REPEAT: ReadonlySet<ReasonCode> = new Set([
  'budget_exhausted',
  'too_many_failures',
  'quarantined',
  'stopped',
]);

/** Up to this the wait is given in milliseconds, too; SDKs take it for the finer one. */
const SHORT_WAIT_MS = 60_000;

/** The headers that a refusal carries beside its body, names and values in turn. */
export function refusalHeaders(denial: Denial, contentType: string, offer?: ChallengeOffer): string[] {
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
  for (const challenge of challengesOf(denial, offer)) headers.push('www-authenticate', challenge);
  if (denial.dpop?.error === 'use_dpop_nonce') headers.push('dpop-nonce', denial.dpop.nonce);
  return headers;
}

/** One challenge for each scheme (RFC 6750 §3, RFC 9449 §7.1); the error stands in that of the scheme that was used. */
function challengesOf(denial: Denial, offer: ChallengeOffer | undefined): string[] {
  const { status, oauthError } = reasons[denial.code];
  if (status !== 401 && denial.code !== 'insufficient_scope') return [];
  const metadata = offer === undefined ? '' : `, resource_metadata="${plainDescription(offer.resourceMetadata)}"`;
  const description = plainDescription(denial.message);
  const faultOf = (error: string) => `, error="${error}", error_description="${description}"`;
  // A request without a credential gets none of the error's attributes (RFC 6750 §3.1).
  const isFaulty = denial.code !== 'missing_credential';
  const bearerFault = isFaulty && denial.dpop === undefined ? faultOf(oauthError) : '';
  const scope = denial.scope === undefined ? '' : `, scope="${plainDescription(denial.scope)}"`;
  const challenges = [`Bearer realm="sallyport"${bearerFault}${stepUpText(denial)}${scope}${metadata}`];
  if (offer?.dpopAlgorithms !== undefined && status === 401) {
    const fault = denial.dpop === undefined ? '' : faultOf(denial.dpop.error);
    challenges.push(`DPoP realm="sallyport", algs="${offer.dpopAlgorithms}"${fault}${metadata}`);
  }
  return challenges;
}

/** RFC 9470 §3. */
function stepUpText({ stepUp }: Denial): string {
  if (stepUp === undefined) return '';
  const acr = stepUp.acrValues.length === 0 ? '' : `, acr_values="${plainDescription(stepUp.acrValues.join(' '))}"`;
  return stepUp.maxAgeS === undefined ? acr : `${acr}, max_age="${stepUp.maxAgeS}"`;
}
