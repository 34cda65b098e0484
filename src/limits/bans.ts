import { deny, type Denial } from '../kernel/reasons.ts';
import type { Rate } from './gcra.ts';

/** What an address is banned for by itself. */
export type Offence = 'failures' | 'scan' | 'smuggling';

/** Why somebody is banned. A label of metrics: it stays a short list. */
export type BanReason = Offence | 'operator';

/** All of them, in the order in which memory numbers them. */
export const BAN_REASONS = ['failures', 'scan', 'smuggling', 'operator'] as const satisfies readonly BanReason[];

/**
 * How many offences are one too many, and how soon one is forgotten: what nobody does by mistake within ten minutes. A
 * failure counts only once its address was told to wait (429); of unknown and closed routes only different paths count,
 * for a monitor that asks for one of them all day is no scan.
 */
export const OFFENCE_RULES: Readonly<Record<Offence, { readonly most: number; readonly forgottenAfterMs: number }>> = {
  failures: { most: 30, forgottenAfterMs: 20_000 },
  scan: { most: 20, forgottenAfterMs: 30_000 },
  smuggling: { most: 10, forgottenAfterMs: 60_000 },
};

/** A rule as a rate that the last offence does not conform to. @param unitMs milliseconds of the unit in which times are kept */
export function offenceRate(offence: Offence, unitMs: number): Rate {
  const { most, forgottenAfterMs } = OFFENCE_RULES[offence];
  return { intervalMs: forgottenAfterMs / unitMs, burst: most - 1 };
}

/** Whoever has shown a good credential so short a time ago is slowed, never banned: others may sit behind the same address. */
export const TRUSTED_FOR_MS = 10 * 60_000;

/** How long the end of a ban is remembered: the next one that begins within it is longer. */
export const REMEMBERED_FOR_MS = 24 * 60 * 60_000;

/** How long bans are. */
export interface BanSpans {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Length of the ban that is the `number`-th in a row, in milliseconds: doubled each time up to the longest.
 *
 * @param number from 1
 */
export const banLengthMs = ({ firstMs, maxMs }: BanSpans, number: number): number =>
  Math.min(maxMs, firstMs * 2 ** (number - 1));

/**
 * Which ban in a row one is that begins now.
 *
 * @param number of the last one, 0 where there was none
 * @param sinceEndMs since its end
 */
export const nextNumber = (number: number, sinceEndMs: number): number =>
  sinceEndMs <= REMEMBERED_FOR_MS ? number + 1 : 1;

/** A ban that is in force. */
export interface Ban {
  /** An IPv4 address, or the /64 of an IPv6 address (`2001:db8:0:1::/64`). */
  readonly network: string;
  readonly reason: BanReason;
  /** How many in a row, from 1. */
  readonly number: number;
  /** When it began and ends, of the monotonic clock: a clock that is set neither lifts nor lengthens it. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Who is banned, for all threads together. `nowMs` is always `Clock.monotonicMs`. Kept by shared memory. */
export interface Bans {
  /** The ban that is in force for a network. */
  find(network: string, nowMs: number): Ban | undefined;
  /** Counts an offence; the one too many begins a ban, unless somebody there was good lately. @param kind tells scans of one path apart from those of others */
  offend(network: string, offence: Offence, nowMs: number, kind?: number): void;
  /** Notes that somebody there has shown a good credential. */
  trust(network: string, nowMs: number): void;
}

/** The same as its keeper has it, who knows all of them. */
export interface BanBook extends Bans {
  /** Those that are in force. */
  all(nowMs: number): readonly Ban[];
  /** Puts one, in place of what was there; false where there is no room. One that has ended already is only remembered. */
  put(ban: Ban, nowMs: number): boolean;
  /** Ends one and forgets its network; the ban that it was. */
  lift(network: string, nowMs: number): Ban | undefined;
  /** Those that began by themselves since this was asked last. */
  takeNew(nowMs: number): readonly Ban[];
  /** How many have begun by themselves so far. */
  begun(): Readonly<Record<Offence, number>>;
  /** How often there was no room to remember a network. */
  lost(): number;
}

/** What everybody behind a banned address is told. @param nowMs wall clock, milliseconds since the epoch */
export function denyBanned(ban: Ban, monotonicMs: number, nowMs: number): Denial {
  const leftMs = Math.max(0, ban.untilMs - monotonicMs);
  // To the full second, and never before the end.
  const until = new Date(Math.ceil((nowMs + leftMs) / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  return deny('ip_denied', {
    message: `This address is banned until ${until} for what came from it. Wait, or ask the operator to lift the ban.`,
    retryAfterMs: leftMs,
    why: `banned: ${ban.reason}`,
  });
}
