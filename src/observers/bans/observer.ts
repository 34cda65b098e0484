import type { Clock } from '../../kernel/clock.ts';
import type { AnyExchange } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import type { Bans } from '../../limits/bans.ts';
import { countedNetwork, type AddressMatcher } from '../../wire/address.ts';
import { offenceOf } from './offence.ts';

/** What is looked at of an exchange. */
export type SeenExchange = Pick<AnyExchange, 'head' | 'peer' | 'principal'> & {
  readonly downstream: { readonly peerAddress: string };
};

/** What counting offences works with. */
export interface BansObserverDeps {
  readonly bans: Bans;
  /** Addresses that nothing is counted for. */
  readonly isNeverBanned: AddressMatcher;
  readonly clock: Clock;
}

/** Counts what speaks against an address, and for it. The network stage reads what comes of it. */
export function createBansObserver({ bans, isNeverBanned, clock }: BansObserverDeps) {
  return (x: SeenExchange, outcome: Outcome): void => {
    // Whoever was let in is no stranger, whatever was refused after it. A token that was given is not used yet: that of a client
    // in quarantine never is, and would keep every ban from its thief's address.
    if (x.peer !== undefined && x.principal !== undefined) {
      return bans.trust(x.peer.network, clock.monotonicMs());
    }
    const seen = offenceOf(x.head, outcome);
    if (seen === undefined) return;
    // Of a head that was refused only the peer itself is believed: what it forwards could name somebody else.
    const address = x.peer?.address ?? x.downstream.peerAddress;
    if (isNeverBanned(address)) return;
    bans.offend(countedNetwork(address), seen.offence, clock.monotonicMs(), seen.kind);
  };
}
