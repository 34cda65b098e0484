import {
  BAN_REASONS,
  banLengthMs,
  nextNumber,
  offenceRate,
  type BanBook,
  type BanReason,
  type BanSpans,
  type Offence,
} from '../../limits/bans.ts';
import { spend } from '../../limits/gcra.ts';
import { CELL, createBanCells, HEAD, UNIT_MS, type BanMemory } from './ban-cells.ts';

const OFFENCES = ['failures', 'scan', 'smuggling'] as const satisfies readonly Offence[];
const TAT: Readonly<Record<Offence, number>> = { failures: CELL.tats, scan: CELL.tats + 1, smuggling: CELL.tats + 2 };
const RATES = {
  failures: offenceRate('failures', UNIT_MS),
  scan: offenceRate('scan', UNIT_MS),
  smuggling: offenceRate('smuggling', UNIT_MS),
};
/** How often a network that goes on being good is noted. */
const TRUST_EVERY = 1_000 / UNIT_MS;

/**
 * Bans in memory that all threads share: exact, and in force from the next request on, without a message.
 *
 * @param row index of this thread
 * @param spans how long bans are now
 */
export function createBans(memory: BanMemory, row: number, spans: () => BanSpans): BanBook {
  const cells = createBanCells(memory, row);
  const { words, placeOf, unitsOf } = cells;
  const load = (at: number): number => Atomics.load(words, at);
  const store = (at: number, value: number): void => void Atomics.store(words, at, value);

  /** Writes a ban, its end last: until then nobody sees it. All that led to it is forgotten, so that the next one takes as much. */
  function write(at: number, reason: BanReason, since: number, until: number, number: number): void {
    store(at + CELL.since, since);
    store(at + CELL.number, number);
    store(at + CELL.reason, BAN_REASONS.indexOf(reason));
    for (const offence of OFFENCES) store(at + TAT[offence], 0);
    store(at + CELL.until, until);
    Atomics.add(words, HEAD.generation, 1);
  }

  /** Whether a scan asks for something that it has not asked for lately. */
  function isFresh(at: number, kind: number, now: number): boolean {
    const first = at + CELL.scanned;
    if (load(at + TAT.scan) <= now) {
      store(first, 0);
      store(first + 1, 0);
    }
    const bit = 1 << (kind & 31);
    return (Atomics.or(words, first + ((kind >>> 5) & 1), bit) & bit) === 0;
  }

  function begin(at: number, offence: Offence, now: number): void {
    const until = load(at + CELL.until);
    const number = until === 0 ? 1 : nextNumber(load(at + CELL.number), (now - until) * UNIT_MS);
    const length = Math.ceil(banLengthMs(spans(), number) / UNIT_MS);
    store(at + CELL.isNew, 1);
    write(at, offence, now, now + length, number);
    Atomics.add(words, HEAD.begun + OFFENCES.indexOf(offence), 1);
    Atomics.add(words, HEAD.unseen, 1);
  }

  return {
    find(network, nowMs) {
      const generation = load(HEAD.generation);
      // As long as there was none, nobody is looked up.
      if (generation === 0) return undefined;
      const place = placeOf(network);
      if (place === undefined) return undefined;
      if (place.generation !== generation) {
        const at = cells.scan(place);
        const ban = at >= 0 && cells.isInForce(at, unitsOf(nowMs)) ? cells.banAt(at) : undefined;
        // Read while the cell was taken for somebody else it would be theirs.
        place.ban = ban !== undefined && cells.isOf(at, place) ? ban : undefined;
        place.generation = generation;
      }
      return place.ban !== undefined && place.ban.untilMs > nowMs ? place.ban : undefined;
    },

    offend(network, offence, nowMs, kind = 0) {
      const place = placeOf(network);
      if (place === undefined) return;
      const now = unitsOf(nowMs);
      cells.underLock(place, () => {
        const at = cells.take(place, now);
        if (at < 0 || cells.isInForce(at, now)) return;
        if (offence === 'scan' && !isFresh(at, kind, now)) return;
        const result = spend(RATES[offence], load(at + TAT[offence]), 1, now);
        if (result.conforms) return store(at + TAT[offence], result.tatMs);
        // One bad client must not lock out all who sit behind the same address.
        if (!cells.isTrusted(at, now)) begin(at, offence, now);
      });
    },

    trust(network, nowMs) {
      const place = placeOf(network);
      if (place === undefined) return;
      const now = unitsOf(nowMs);
      if (now - place.trustedAt < TRUST_EVERY) return;
      place.trustedAt = now;
      cells.underLock(place, () => {
        const at = cells.take(place, now);
        if (at >= 0) store(at + CELL.trustedAt, now);
      });
    },

    all: (nowMs) => cells.inForce(unitsOf(nowMs)).map(cells.banAt),

    put({ network, reason, number, sinceMs, untilMs }, nowMs) {
      const place = placeOf(network);
      if (place === undefined) return false;
      return cells.underLock(place, () => {
        const at = cells.take(place, unitsOf(nowMs));
        if (at < 0) return false;
        write(at, reason, unitsOf(sinceMs), unitsOf(untilMs + UNIT_MS - 1), number);
        return true;
      });
    },

    lift(network, nowMs) {
      const place = placeOf(network);
      if (place === undefined) return undefined;
      return cells.underLock(place, () => {
        const at = cells.scan(place);
        if (at < 0 || !cells.isInForce(at, unitsOf(nowMs))) return undefined;
        const ban = cells.banAt(at);
        write(at, ban.reason, 0, 0, 0);
        return ban;
      });
    },

    takeNew(nowMs) {
      if (Atomics.exchange(words, HEAD.unseen, 0) === 0) return [];
      return cells
        .inForce(unitsOf(nowMs))
        .filter((at) => Atomics.exchange(words, at + CELL.isNew, 0) === 1)
        .map(cells.banAt);
    },

    begun: () => ({
      failures: load(HEAD.begun),
      scan: load(HEAD.begun + 1),
      smuggling: load(HEAD.begun + 2),
    }),

    lost: () => load(HEAD.lost),
  };
}
