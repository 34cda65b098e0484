import type { Clock } from '../../kernel/clock.ts';
import type { ParsedHead } from '../../kernel/exchange.ts';
import type { Downstream } from '../../kernel/transport.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { CounterKey, LocalCounters } from '../../limits/counters.ts';
import { denyBanned, type Bans } from '../../limits/bans.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import { addressMatcher, clientAddress, countedNetwork, type AddressMatcher } from '../../wire/address.ts';

/** Options of the stage, already read from the configuration. */
export interface NetworkOptions {
  /** CIDRs that alone may connect; empty: all. */
  readonly allow: readonly string[];
  /** CIDRs that may not. */
  readonly deny: readonly string[];
  /** Peers whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  readonly requestsPerMinute: number | 'none';
}

/** What the stage works with. */
export interface NetworkDeps {
  readonly counters: LocalCounters;
  readonly clock: Clock;
  /** Who is banned; left out where nobody is. */
  readonly bans?: Pick<Bans, 'find'> | undefined;
  /** Addresses that no ban holds for. */
  readonly isNeverBanned?: AddressMatcher;
}

/** Finds out who is calling and denies addresses that are shut out or send too fast, before any other work. */
export function createNetwork(
  options: NetworkOptions,
  { counters, clock, bans, isNeverBanned = () => false }: NetworkDeps,
): Stage<'head', 'peer'> {
  const isTrusted = addressMatcher(options.trustedProxies);
  const isAllowed = options.allow.length === 0 ? () => true : addressMatcher(options.allow);
  const isDenied = addressMatcher(options.deny);
  const rate = options.requestsPerMinute === 'none' ? undefined : ratePerMinute(options.requestsPerMinute);
  const known = new Map<string, Known>();

  function addressOf({ peerAddress, isPeerUnknown }: Downstream, { headers }: ParsedHead): string {
    return clientAddress(peerAddress, isPeerUnknown ? undefined : headers.get('x-forwarded-for'), isTrusted);
  }

  function lookUp(address: string): Known {
    const found = known.get(address);
    if (found !== undefined) return found;
    const network = countedNetwork(address);
    const entry = {
      peer: { address, network },
      isShutOut: !isAllowed(address) || isDenied(address),
      canBeBanned: bans !== undefined && !isNeverBanned(address),
      counter: counters.keyOf(`address:${network}`),
    };
    // A simple bound: addresses are cheap to look up again, and an attacker brings many.
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(address, entry);
    return entry;
  }

  return {
    name: 'network',
    adds: ['peer'],
    decide(x) {
      const address = addressOf(x.downstream, x.head);
      const { peer, isShutOut, canBeBanned, counter } = lookUp(address);
      x.peer = peer;
      if (isShutOut) return deny('ip_denied');
      const nowMs = clock.monotonicMs();
      const ban = canBeBanned ? bans?.find(peer.network, nowMs) : undefined;
      if (ban !== undefined) return denyBanned(ban, nowMs, clock.nowMs());
      if (rate === undefined) return undefined;
      if (x.isDryRun) return undefined;
      const result = counters.spend([{ kind: 'rate', name: 'address', counter, rate }], nowMs);
      return result.kind === 'refused' ? tooFast(result.retryAfterMs) : undefined;
    },
  };
}

const tooFast = (retryAfterMs: number) =>
  deny('rate_limited', {
    retryAfterMs,
    message: 'Too many requests from this address. Wait as long as Retry-After says.',
  });

interface Known {
  readonly peer: { readonly address: string; readonly network: string };
  readonly isShutOut: boolean;
  readonly canBeBanned: boolean;
  readonly counter: CounterKey;
}

const MAX_KNOWN = 10_000;
