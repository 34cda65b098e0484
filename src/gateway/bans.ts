import type { LogOutput } from '../adapters/log/output.ts';
import type { BanDesk } from '../admin/ports.ts';
import type { Config } from '../config/schema.ts';
import type { BanRecord } from '../directory/records.ts';
import type { DirectoryStore } from '../directory/store.ts';
import type { Clock } from '../kernel/clock.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { HoldRecord } from '../kernel/record.ts';
import { BAN_REASONS, denyBanned, REMEMBERED_FOR_MS, type Ban, type BanBook, type BanReason } from '../limits/bans.ts';
import { addressMatcher, countedNetwork, plainAddress, type AddressMatcher } from '../wire/address.ts';

const LOOPBACK = ['127.0.0.0/8', '::1'];
/** How often it is looked whether bans have begun: for the log and the store alone, they are in force at once. */
const LOOK_EVERY_MS = 250;

/**
 * Addresses that are never banned: this machine, whose user mistypes a key or two; proxies, behind which everybody sits;
 * and those that the operator has listed. All of them where bans are off.
 */
export const neverBanned = ({ listen, network: { bans } }: Config): AddressMatcher =>
  bans.enabled ? addressMatcher([...LOOPBACK, ...listen.trustedProxies, ...bans.allow]) : () => true;

/** What keeping bans works with. */
export interface BanKeeperDeps {
  readonly book: BanBook;
  readonly store: Pick<DirectoryStore, 'noteBans'>;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'warn'>;
  /** Told of each ban that begins, and each that is lifted. */
  readonly onBan: (ban: BanRecord, activity: 'ban' | 'lift') => void;
}

/** The bans of a gateway, as its control plane has them. */
export interface BanKeeper {
  readonly desk: BanDesk;
  /** Figures for the page of metrics. */
  figures(): { readonly begun: Readonly<Record<BanReason, number>>; readonly inForce: number; readonly lost: number };
  /** Tells of those that have begun, and keeps them. */
  look(): void;
  stop(): void;
}

/** @param stored what was kept before; what is left of it is in force again */
export function keepBans(stored: readonly BanRecord[], deps: BanKeeperDeps): BanKeeper {
  const { book, store, config, clock, log, onBan } = deps;
  let byOperator = 0;

  const wallOf = (atMs: number): number => clock.nowMs() + (atMs - clock.monotonicMs());
  const recordOf = ({ sinceMs, untilMs, ...rest }: Ban): BanRecord => ({
    ...rest,
    startedAtMs: Math.round(wallOf(sinceMs)),
    untilMs: Math.round(wallOf(untilMs)),
  });
  const inForce = (): readonly Ban[] => {
    const isNever = neverBanned(config());
    return book.all(clock.monotonicMs()).filter(({ network }) => !isNever(addressIn(network)));
  };
  const keep = (bans: readonly BanRecord[]): void => {
    // A ban that is lost with a full disk is in force all the same, until the gateway ends.
    store.noteBans(bans, clock.nowMs() - REMEMBERED_FOR_MS).catch(() => undefined);
  };

  for (const one of stored) {
    const ban = restored(one, clock.nowMs(), clock.monotonicMs());
    if (ban !== undefined) book.put(ban, clock.monotonicMs());
  }

  function look(): void {
    const begun = book.takeNew(clock.monotonicMs()).map(recordOf);
    if (begun.length === 0) return;
    for (const { network, reason, number, untilMs } of begun) {
      log.warn('ban', { address: network, reason, number, until: new Date(untilMs).toISOString() });
    }
    for (const ban of begun) onBan(ban, 'ban');
    keep(begun);
  }

  const watch = setInterval(look, LOOK_EVERY_MS).unref();

  return {
    desk: {
      list: () => inForce().map(recordOf),
      lift(network) {
        // One that has just begun is told of before it ends.
        look();
        const ban = book.lift(network, clock.monotonicMs());
        if (ban === undefined) return undefined;
        keep([{ ...recordOf(ban), untilMs: 0 }]);
        onBan(recordOf(ban), 'lift');
        return recordOf(ban);
      },
      add(network, forMs) {
        const refused = cannotBan(network, config());
        if (refused !== undefined) return refused;
        const nowMs = clock.monotonicMs();
        const ban: Ban = { network, reason: 'operator', number: 1, sinceMs: nowMs, untilMs: nowMs + forMs };
        if (!book.put(ban, nowMs)) return deny('overloaded', { message: 'There is no room for one more ban.' });
        byOperator += 1;
        keep([recordOf(ban)]);
        onBan(recordOf(ban), 'ban');
        return recordOf(ban);
      },
    },
    figures: () => ({
      begun: { ...book.begun(), operator: byOperator },
      inForce: inForce().length,
      lost: book.lost(),
    }),
    look,
    stop() {
      clearInterval(watch);
      look();
    },
  };
}

/** What the audit log says of a ban. */
export const holdOf = (ban: BanRecord, activity: 'ban' | 'lift', nowMs: number): HoldRecord => ({
  ...{ kind: 'hold', timeMs: nowMs, activity, subject: ban.network, tenant: undefined, reason: ban.reason },
  untilMs: activity === 'ban' ? ban.untilMs : undefined,
});

/** An address of a network. */
const addressIn = (network: string): string => network.replace('/64', '');

/** Why no ban would hold for a network; undefined where one would. */
export function cannotBan(network: string, config: Config): Denial | undefined {
  if (!config.network.bans.enabled) {
    return deny('conflict', {
      param: 'address',
      message: 'network.bans.enabled is false: nobody is banned. List the network in network.deny instead.',
    });
  }
  if (!neverBanned(config)(addressIn(network))) return undefined;
  return deny('conflict', {
    param: 'address',
    message:
      'This address is never banned: it is of this machine, a trusted proxy, or in network.bans.allow. See network.deny.',
  });
}

/**
 * A ban that was kept, on the clock of this process. What a clock that was set meanwhile would make longer ends when it would
 * have ended from now on.
 */
function restored({ network, reason, number, startedAtMs, untilMs }: BanRecord, nowMs: number, monotonicMs: number) {
  const known = BAN_REASONS.find((one) => one === reason);
  if (known === undefined) return undefined;
  const leftMs = Math.min(untilMs - nowMs, untilMs - startedAtMs);
  if (leftMs < -REMEMBERED_FOR_MS) return undefined;
  const end = monotonicMs + leftMs;
  return { network, reason: known, number, sinceMs: end - (untilMs - startedAtMs), untilMs: end } satisfies Ban;
}

/** Judges the address of the admin listener's callers: the lists and bans of the public one. */
export function addressJudge(config: Config, bans: Pick<BanBook, 'find'>, clock: Clock) {
  const { allow, deny: denied } = config.network;
  const isAllowed = allow.length === 0 ? () => true : addressMatcher(allow);
  const isDenied = addressMatcher(denied);
  const isNeverBanned = neverBanned(config);
  return (peer: string): Denial | undefined => {
    const address = plainAddress(peer);
    if (!isAllowed(address) || isDenied(address)) return deny('ip_denied');
    if (isNeverBanned(address)) return undefined;
    const nowMs = clock.monotonicMs();
    const ban = bans.find(countedNetwork(address), nowMs);
    return ban === undefined ? undefined : denyBanned(ban, nowMs, clock.nowMs());
  };
}
