import { grantedModels, tenantPool } from '../../directory/credentials.ts';
import type { TenantRecord } from '../../directory/records.ts';
import { marksOf, OWN_ISSUER, type Revocations } from '../../directory/revocations.ts';
import type { HeldRights, Rights } from '../../directory/rights.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/exchange.ts';
import { inherited } from '../../kernel/own-limits.ts';
import type { Scope } from '../../kernel/scope.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Claims } from './claims.ts';
import type { IssuerRules } from './issuer-rules.ts';
import type { Shown } from './methods/method.ts';
import { createNetworkJudge, TENANT_DENIED } from './networks.ts';
import type { SenderJudge } from './sender.ts';

/** What a token that was found good says now: its principal, or why it may not be used any more or by this sender. */
export type TokenJudge = (claims: Claims, rules: IssuerRules, shown: Shown) => Principal | Denial;

/** What judging tokens works with. */
export interface TokenJudgeDeps {
  readonly tenant: (id: string) => TenantRecord | undefined;
  readonly rights: () => Rights;
  readonly revocations: () => Revocations;
  readonly clock: Clock;
  readonly judgeSender: SenderJudge;
  /** Told of each token that authenticated. */
  readonly onUse: (principal: Principal, shown: Shown) => void;
}

/** Judges, for each request, what may have changed since a token was found good. */
export function createTokenJudge({
  tenant: tenantOf,
  rights: rightsNow,
  revocations,
  clock,
  judgeSender,
  onUse,
}: TokenJudgeDeps): TokenJudge {
  const made = new WeakMap<Claims, Made>();
  const mayUse = createNetworkJudge();

  function principal(claims: Claims, rules: IssuerRules): Made {
    const tenant = tenantOf(claims.tenant);
    const before = made.get(claims);
    const rights = rightsNow();
    const { generation } = rights;
    if (before !== undefined && before.tenant === tenant && before.generation === generation) return before;
    const now = { tenant, generation, principal: principalOf(claims, tenant, rules, rights) };
    made.set(claims, now);
    return now;
  }

  return (claims, rules, shown) => {
    const { expiresAtMs, issuedAtMs } = claims.facts;
    const now = principal(claims, rules);
    const whose = now.principal;
    if (clock.nowMs() >= expiresAtMs + rules.clockToleranceMs) {
      return deny('expired_credential', { message: EXPIRED, whose });
    }
    const isRevoked = revocations().isRevoked(now.principal.marks, issuedAtMs, rules.clockToleranceMs);
    if (now.tenant?.isDisabled === true || isRevoked) {
      return deny('revoked_credential', { message: REVOKED, whose });
    }
    const denial = judgeSender(claims, rules, shown);
    if (denial !== undefined) return denial;
    // Last, so that nobody learns of the tenant's networks but who could use the token.
    if (now.tenant !== undefined && !mayUse(now.tenant, shown.peer.address)) {
      return deny('ip_denied', { message: TENANT_DENIED, whose });
    }
    onUse(now.principal, shown);
    return now.principal;
  };
}

/** A principal, good for the very tenant and the roles and groups that it was made of. */
interface Made {
  readonly tenant: TenantRecord | undefined;
  readonly generation: number;
  readonly principal: Principal;
}

function principalOf(claims: Claims, tenant: TenantRecord | undefined, rules: IssuerRules, rights: Rights): Principal {
  const { facts } = claims;
  const isOwn = rules.isOwn === true;
  const held = rights.of({ roles: [], groups: claims.groups }, claims.tenant);
  const models = claims.models ?? [...rules.defaultModels, ...held.models];
  return {
    id: `token:${facts.issuer} ${facts.subject}`,
    keyId: undefined,
    token: facts,
    // Of our own server a person's token and their keys are one person's, for limits by user and member.
    owner: isOwn && facts.subject !== facts.clientId ? facts.subject : undefined,
    marks: isOwn
      ? marksOf(facts, claims.tenant, OWN_ISSUER, claims.groups)
      : marksOf(facts, claims.tenant, facts.issuer, []),
    tenant: claims.tenant,
    roles: held.roles,
    groups: held.groups,
    scopes: scopesOf(claims, held, isOwn),
    models: new Set(grantedModels(models, tenant?.models)),
    limits: inherited(claims.limits, held.limits, tenant?.limits ?? {}),
    pools: [...tenantPool(tenant), ...held.pools],
    // Our own server has cut them to what the client has, too; a person's groups open nothing to whoever acts for them.
    grants: new Set(isOwn ? claims.grants : held.grants),
    caps: NO_CAPS,
    onBehalfOf: undefined,
    member: undefined,
  };
}

/**
 * A token that names scopes of ours has these alone: it was asked for with them, and its groups must not give more to the
 * application that has it. One of an issuer that knows none of ours has those of its groups.
 */
function scopesOf({ scopes }: Claims, held: HeldRights, isOwn: boolean): ReadonlySet<Scope> {
  return scopes ?? new Set(isOwn ? [] : held.scopes);
}

const NO_CAPS = {};

/** What a caller with an old token is told. */
export const EXPIRED = 'The access token has expired. Get a new one from its issuer.';
const REVOKED = 'The access token was revoked. Get a new one from its issuer, or ask the operator.';
