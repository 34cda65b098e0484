import type { Denial } from '../../kernel/reasons.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Claims } from './claims.ts';
import type { IssuerRules } from './issuer-rules.ts';
import type { Shown } from './methods/method.ts';
import type { ProofJudge } from './proof.ts';

/** Whether who sends a token is who it was made out to: undefined where it is. */
export type SenderJudge = (claims: Claims, rules: IssuerRules, shown: Shown) => Denial | undefined;

/**
 * Judges what binds a token to its sender: the certificate of the connection (RFC 8705 §3), the key of the proof
 * (RFC 9449 §7). A bound token that is sent as if it were not is refused: else the thief of a token would just leave the
 * proof out.
 */
export function createSenderJudge(judgeProof: ProofJudge): SenderJudge {
  return ({ jkt, x5t }, { dpop }, shown) => {
    // Two headers of one token would be two readings of who sends it.
    if (x5t !== undefined && x5t !== shown.certificate?.sha256) {
      return deny('invalid_credential', { why: 'certificate', message: OTHER_CERTIFICATE });
    }
    const isDpop = shown.scheme === 'dpop';
    if (jkt === undefined) {
      if (isDpop) return deny('invalid_credential', { why: 'not bound to a key', message: NOT_BOUND });
      if (dpop === 'required') return deny('invalid_credential', { why: 'not bound to a key', message: MUST_BE_BOUND });
      return undefined;
    }
    if (dpop === 'off') return deny('invalid_credential', { why: 'DPoP is off', message: DPOP_OFF });
    if (!isDpop) return deny('invalid_credential', { why: 'bound token sent as Bearer', message: SENT_BARE });
    return judgeProof(jkt, shown);
  };
}

const OTHER_CERTIFICATE = 'The access token is bound to a client certificate. Present that certificate.';
const NOT_BOUND = 'The access token is not bound to a key. Send it as "Authorization: Bearer <token>".';
const MUST_BE_BOUND =
  'Access tokens of this issuer must be bound to a key (RFC 9449). Ask the issuer with a DPoP proof.';
const DPOP_OFF = 'Tokens of this issuer that are bound to a key are not accepted here.';
const SENT_BARE = 'The access token is bound to a key. Send it as "Authorization: DPoP <token>" with a DPoP proof.';
