import { grantedModels } from '../../directory/credentials.ts';
import type { TenantRecord } from '../../directory/records.ts';
import { marksOf, OWN_ISSUER, type Revocations } from '../../directory/revocations.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Claims } from './claims.ts';
import type { IssuerRules } from './issuer-rules.ts';
import type { Shown } from './methods/method.ts';
import type { SenderJudge } from './sender.ts';

/** What a token that was found good says now: its principal, or why it may not be used any more or by this sender. */
export type TokenJudge = (claims: Claims, rules: IssuerRules, shown: Shown) => Principal | Denial;

/** What judging tokens works with. */
export interface TokenJudgeDeps {
  readonly tenant: (id: string) => TenantRecord | undefined;
  readonly revocations: () => Revocations;
  readonly clock: Clock;
  readonly judgeSender: SenderJudge;
  /** Told of each token that authenticated. */
  readonly onUse: (principal: Principal, shown: Shown) => void;
}

/** Judges, for each request, what may have changed since a token was found good. */
export function createTokenJudge({
  tenant: tenantOf,
  revocations,
  clock,
  judgeSender,
  onUse,
}: TokenJudgeDeps): TokenJudge {
  const made = new WeakMap<Claims, Made>();

  function principal(claims: Claims, rules: IssuerRules): Made {
    const tenant = tenantOf(claims.tenant);
    const before = made.get(claims);
    if (before !== undefined && before.tenant === tenant) return before;
    const now = { tenant, principal: principalOf(claims, tenant, rules) };
    made.set(claims, now);
    return now;
  }

  return (claims, rules, shown) => {
    const { expiresAtMs, issuedAtMs } = claims.facts;
    if (clock.nowMs() >= expiresAtMs + rules.clockToleranceMs) return deny('expired_credential', { message: EXPIRED });
    const now = principal(claims, rules);
    if (now.tenant?.isDisabled === true || revocations().isRevoked(now.principal.marks, issuedAtMs)) {
      return deny('revoked_credential', { message: REVOKED });
    }
    const denial = judgeSender(claims, rules, shown);
    if (denial !== undefined) return denial;
    onUse(now.principal, shown);
    return now.principal;
  };
}

/** A principal, good for the very tenant that it was made of. */
interface Made {
  readonly tenant: TenantRecord | undefined;
  readonly principal: Principal;
}

function principalOf(claims: Claims, tenant: TenantRecord | undefined, { isOwn }: IssuerRules): Principal {
  const { facts } = claims;
  return {
    id: `token:${facts.issuer} ${facts.subject}`,
    keyId: undefined,
    token: facts,
    marks: marksOf(facts, claims.tenant, isOwn === true ? OWN_ISSUER : facts.issuer),
    tenant: claims.tenant,
    scopes: claims.scopes,
    models: new Set(grantedModels([...claims.models], tenant?.models)),
    requestsPerMinute: claims.requestsPerMinute,
    concurrency: claims.concurrency,
    grants: NO_GRANTS,
    caps: NO_CAPS,
    onBehalfOf: undefined,
    member: undefined,
  };
}

const NO_GRANTS: ReadonlySet<string> = new Set();
const NO_CAPS = {};

/** What a caller with an old token is told. */
export const EXPIRED = 'The access token has expired. Get a new one from its issuer.';
const REVOKED = 'The access token was revoked. Get a new one from its issuer, or ask the operator.';
