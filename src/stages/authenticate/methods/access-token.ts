import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { algorithmOf } from '../../../jwt/algorithms.ts';
import { looksLikeJwt, parseCompactJws, type CompactJws } from '../../../jwt/compact.ts';
import type { VerificationKey } from '../../../jwt/key-set.ts';
import { signerOf } from '../../../jwt/signer.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import { judgeClaims, type Claims } from '../claims.ts';
import type { IssuerRules } from '../issuer-rules.ts';
import { EXPIRED, type TokenJudge } from '../token-principal.ts';
import type { Found, Method, Shown } from './method.ts';

/** The public keys of one issuer, as this thread knows them. */
export interface IssuerKeys {
  /** Undefined until the issuer has told them once, and when it has been silent for too long. */
  readonly keys: readonly VerificationKey[] | undefined;
  /** Whether it may be asked again for keys that it did not have when it was asked last. */
  mayRefresh(): boolean;
  /** Asks the issuer; resolves once it has answered or failed. One question at a time, whoever asks. */
  refresh(): Promise<void>;
  /** Whether it could not be asked last. */
  isFailing(): boolean;
  /** Milliseconds after which it may be asked again. */
  retryAfterMs(): number;
}

/** What the method asks of its surroundings. */
export interface AccessTokenDeps {
  readonly issuers: readonly IssuerRules[];
  readonly keysOf: (issuer: string) => IssuerKeys;
  readonly clock: Clock;
  readonly judge: TokenJudge;
}

const MAX_KNOWN = 10_000;
const MAX_KID_CHARS = 256;

/** A token whose signature and claims were found right. */
interface Known {
  readonly rules: IssuerRules;
  readonly key: VerificationKey;
  readonly claims: Claims;
}

/**
 * Authenticates by a JWT of one of the issuers (RFC 9068, RFC 8725). A token that was found good is known by its hash
 * until it expires, its key is taken back or it is revoked. To the caller every fault is the same; which it was is for
 * the log.
 */
export function createAccessTokenMethod(deps: AccessTokenDeps): Method {
  const { clock, keysOf } = deps;
  const rulesByIssuer = new Map(deps.issuers.map((rules) => [rules.issuer, rules]));
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  return (shown) => {
    if (!looksLikeJwt(shown.value)) return undefined;
    const identity = hash('sha256', shown.value, 'base64');
    const before = known.get(identity);
    if (before !== undefined) {
      if (!before.key.isGone) return deps.judge(before.claims, before.rules, shown);
      known.delete(identity);
    }
    const jws = parseCompactJws(shown.value);
    if (jws === undefined) return invalid('no compact JWS');
    const { iss } = jws.payload;
    const rules = typeof iss === 'string' ? rulesByIssuer.get(iss) : undefined;
    // Another method may know it: only that it is none of these issuers' was found out.
    if (rules === undefined) return invalid('issuer');
    return verified(jws, rules, identity, shown);
  };

  function verified(jws: CompactJws, rules: IssuerRules, identity: string, shown: Shown): Found | Promise<Found> {
    const fault = headerFault(jws, rules);
    if (fault !== undefined) return invalid(fault);
    const source = keysOf(rules.issuer);
    const key = signerOf(jws, rules.algorithms, source.keys);
    if (key === 'wrong') return invalid('signature');
    if (key !== undefined) return judge(key);
    // A key that we do not know: the issuer may have begun to use it. It is not asked for each one that a caller makes up.
    if (!source.mayRefresh()) return unknownKey(source);
    return source.refresh().then(() => {
      const found = signerOf(jws, rules.algorithms, source.keys);
      if (found === 'wrong') return invalid('signature');
      if (found !== undefined) return judge(found);
      return unknownKey(source);
    });

    function judge(by: VerificationKey): Found {
      const claims = judgeClaims(jws.payload, rules, clock.nowMs(), identity);
      if ('why' in claims) {
        return claims.isExpired ? deny('expired_credential', { message: EXPIRED }) : invalid(claims.why);
      }
      known.set(identity, { rules, key: by, claims });
      return deps.judge(claims, rules, shown);
    }
  }
}

/** What is wrong with the header of a token, for the log; undefined where nothing is. */
function headerFault({ header }: CompactJws, rules: IssuerRules): string | undefined {
  const { alg, typ, crit, b64, zip, kid } = header;
  if (algorithmOf(alg, rules.algorithms) === undefined) return 'alg';
  // We know no extension, and one that must be understood was not (RFC 7515 §4.1.11, RFC 7797).
  if (crit !== undefined || b64 !== undefined || zip !== undefined) return 'crit';
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_CHARS)) return 'kid';
  // The word for "no type" is ours: a token that writes it has one, and another one than was allowed.
  const type = typ === undefined ? ABSENT : typeof typ === 'string' && plainType(typ) !== ABSENT ? plainType(typ) : '';
  return rules.acceptedTypes.includes(type) ? undefined : 'typ';
}

const ABSENT = 'absent';

/** A media type without `application/`, in lower case (RFC 7515 §4.1.9). */
const plainType = (typ: string): string => typ.toLowerCase().replace(/^application\//, '');

const invalid = (why: string): Denial => deny('invalid_credential', { why, message: INVALID });
const INVALID = 'The access token is not valid here. Get one from a trusted issuer, for this gateway as its audience.';

/** Whether a key exists that we do not know cannot be told while its issuer cannot be asked. */
function unknownKey(source: IssuerKeys): Denial {
  if (source.keys !== undefined && !source.isFailing()) return invalid('kid');
  return deny('issuer_unreachable', { why: 'kid', retryAfterMs: Math.max(1_000, source.retryAfterMs()) });
}
