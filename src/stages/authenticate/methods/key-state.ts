import { isOrphaned, type Credential } from '../../../directory/credentials.ts';
import type { Clock } from '../../../kernel/clock.ts';
import type { Peer, Principal } from '../../../kernel/exchange.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import { createNetworkJudge, KEY_DENIED, TENANT_DENIED } from '../networks.ts';

/** What an API key's state says to who has shown that it is theirs. */
export type KeyJudge = (credential: Credential, peer: Peer) => Principal | Denial;

/** What judging API keys works with. */
export interface KeyJudgeDeps {
  readonly clock: Clock;
  /** Hears of those that were let in. */
  readonly onUse: (id: string, atMs: number) => void;
  /** How long the owner of a key may have been away, milliseconds; left out or `none`: for ever. */
  readonly ownerMaxAgeMs?: number | 'none';
}

/** Judges the state of API keys, whichever way a caller has shown that it may use one. */
export function createKeyJudge({ clock, onUse, ownerMaxAgeMs = 'none' }: KeyJudgeDeps): KeyJudge {
  const mayUse = createNetworkJudge();

  /** Somebody who has not signed in for long may have left, and nobody would notice that the key goes on. */
  function isOwnerAway({ owner }: Credential, nowMs: number): boolean {
    if (owner === undefined || ownerMaxAgeMs === 'none') return false;
    return nowMs - (owner.lastSignInAtMs ?? owner.createdAtMs) >= ownerMaxAgeMs;
  }

  return (credential, peer) => {
    const { record, principal: whose } = credential;
    const nowMs = clock.nowMs();
    if (record.state !== 'active' || credential.isTenantDisabled) return deny('revoked_credential', { whose });
    if (isOrphaned(credential)) return deny('revoked_credential', { message: ORPHANED, why: 'owner', whose });
    if (record.expiresAtMs !== undefined && nowMs >= record.expiresAtMs) return deny('expired_credential', { whose });
    if (isOwnerAway(credential, nowMs)) return deny('revoked_credential', { message: AWAY, why: 'owner away', whose });
    if (!mayUse(record, peer.address)) return deny('ip_denied', { message: KEY_DENIED, whose });
    if (credential.tenant !== undefined && !mayUse(credential.tenant, peer.address)) {
      return deny('ip_denied', { message: TENANT_DENIED, whose });
    }
    onUse(record.id, nowMs);
    return credential.principal;
  };
}

const ORPHANED =
  'The person that this API key belongs to may not sign in any more. Ask the operator for a new API key.';
const AWAY = 'The person that this API key belongs to has not signed in for too long. It works again once they have.';
