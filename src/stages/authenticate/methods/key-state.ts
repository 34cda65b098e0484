import type { Credential } from '../../../directory/credentials.ts';
import type { Clock } from '../../../kernel/clock.ts';
import type { Peer, Principal } from '../../../kernel/exchange.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import { addressMatcher, type AddressMatcher } from '../../../wire/address.ts';

/** What an API key's state says to who has shown that it is theirs. */
export type KeyJudge = (credential: Credential, peer: Peer) => Principal | Denial;

/** Judges the state of API keys, whichever way a caller has shown that it may use one. `onUse` hears of those let in. */
export function createKeyJudge({
  clock,
  onUse,
}: {
  readonly clock: Clock;
  readonly onUse: (id: string, atMs: number) => void;
}): KeyJudge {
  const matchers = new WeakMap<Credential, AddressMatcher>();

  function isAllowedFrom(credential: Credential, address: string): boolean {
    if (credential.record.allowIp.length === 0) return true;
    let matcher = matchers.get(credential);
    if (matcher === undefined) matchers.set(credential, (matcher = addressMatcher(credential.record.allowIp)));
    return matcher(address);
  }

  return (credential, peer) => {
    const { record } = credential;
    const nowMs = clock.nowMs();
    if (record.state !== 'active' || credential.isTenantDisabled) return deny('revoked_credential');
    if (record.expiresAtMs !== undefined && nowMs >= record.expiresAtMs) return deny('expired_credential');
    if (!isAllowedFrom(credential, peer.address)) {
      return deny('ip_denied', { message: 'This API key may not be used from this address.' });
    }
    onUse(record.id, nowMs);
    return credential.principal;
  };
}
