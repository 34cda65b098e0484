import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../kernel/clock.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import { judgeClaims, type Claims } from '../claims.ts';
import type { IssuerRules } from '../issuer-rules.ts';
import type { TokenJudge } from '../token-principal.ts';
import type { Found, Method } from './method.ts';

/** What the method asks of its surroundings. */
export interface OpaqueTokenDeps {
  readonly rules: IssuerRules;
  /** How long an answer counts, milliseconds. */
  readonly cacheForMs: number;
  /** The answer of the issuer about a token (RFC 7662 §2.2). @throws where it cannot be asked */
  readonly introspect: (token: string) => Promise<JsonObject>;
  readonly clock: Clock;
  readonly judge: TokenJudge;
}

/** What an issuer has said of a token. */
type Answer = { readonly untilMs: number } & ({ readonly claims: Claims } | { readonly denial: Denial });

const MAX_KNOWN = 10_000;
/** Questions that wait at once; beyond it tokens that nobody knows are refused rather than queued. */
const MAX_ASKED = 64;
/** What may stand in a header as a token, but is too short to be one. */
const FORM = /^[A-Za-z0-9\-._~+/]{16,4096}=*$/;

/** API keys and client secrets of a gateway: sent here by mistake, they must not be told to an issuer. */
const OURS = /^(sp|spcs)_/;

/**
 * Authenticates by a token that only its issuer can read (RFC 7662). An answer counts for a stated time and never beyond
 * the token's end; where the issuer cannot be asked the token is refused, whatever was said of it before (IN-07).
 */
export function createOpaqueTokenMethod(deps: OpaqueTokenDeps): Method {
  const { rules, clock } = deps;
  const known = new LRUCache<string, Answer>({ max: MAX_KNOWN });
  const asked = new Map<string, Promise<Answer | undefined>>();

  return (shown) => {
    if (!FORM.test(shown.value) || OURS.test(shown.value)) return undefined;
    const identity = hash('sha256', shown.value, 'base64');
    const before = known.get(identity);
    if (before !== undefined && clock.nowMs() < before.untilMs) return conclude(before);
    let running = asked.get(identity);
    if (running === undefined) {
      if (asked.size >= MAX_ASKED) return unreachable('too many questions');
      running = ask(shown.value, identity).finally(() => asked.delete(identity));
      asked.set(identity, running);
    }
    return running.then((answer) => (answer === undefined ? unreachable('introspection') : conclude(answer)));

    function conclude(answer: Answer): Found {
      return 'denial' in answer ? answer.denial : deps.judge(answer.claims, rules, shown);
    }
  };

  async function ask(token: string, identity: string): Promise<Answer | undefined> {
    let said: JsonObject;
    try {
      said = await deps.introspect(token);
    } catch {
      return undefined;
    }
    const answer = answerOf(said, identity, clock.nowMs());
    if (deps.cacheForMs > 0) known.set(identity, answer);
    return answer;
  }

  function answerOf(said: JsonObject, identity: string, nowMs: number): Answer {
    const untilMs = nowMs + deps.cacheForMs;
    const refuse = (denial: Denial): Answer => ({ untilMs, denial });
    // The literal alone: a text or a number that reads as true is not what RFC 7662 means.
    if (said['active'] !== true) return refuse(deny('invalid_credential', { why: 'not active' }));
    const { token_type: tokenType, username: _, active: __, iss = rules.issuer, ...claims } = said;
    if (iss !== rules.issuer) return refuse(deny('invalid_credential', { why: 'issuer' }));
    if (tokenType !== undefined && !(typeof tokenType === 'string' && TOKEN_TYPE.test(tokenType))) {
      return refuse(deny('invalid_credential', { why: 'token_type' }));
    }
    const judged = judgeClaims({ ...claims, iss }, rules, nowMs, identity);
    if ('why' in judged) {
      return refuse(judged.isExpired ? deny('expired_credential') : deny('invalid_credential', { why: judged.why }));
    }
    return { untilMs: Math.min(untilMs, judged.facts.expiresAtMs + rules.clockToleranceMs), claims: judged };
  }
}

/** Kinds of token that are sent as a credential: not a refresh token, which may be active as well. */
const TOKEN_TYPE = /^(bearer|dpop|access_token)$/i;

const unreachable = (why: string): Denial => deny('issuer_unreachable', { why, retryAfterMs: 1_000 });
