import type { Clock } from '../../kernel/clock.ts';
import type { LimitStanding, Spent } from '../../kernel/exchange.ts';
import { reserve } from '../../limits/amount.ts';
import { CountersUnavailable } from '../../limits/counters.ts';
import type { AmountAsk, Ask, CounterKey, Counters, Refused } from '../../limits/counters.ts';
import { Hold } from '../../limits/hold.ts';
import { amountStanding, concurrencyStanding, rateStanding, refused, refusedFull } from '../../limits/ask-standing.ts';
import type { Connect, Reply } from './connection.ts';
import { costOf, HashedKey, itemOf, wordsOf } from './items.ts';
import type { WallClock } from '../../limits/wall-clock.ts';
import { REMEMBERED_BUDGETS, type JournalPage, type RestoredJournal } from '../../limits/journal.ts';
import { createJournal } from './journal.ts';
import { createLeases } from './leases.ts';
import { createLedger } from './ledger.ts';
import { amountFrom, createMemoryOfServer } from './memory-of-server.ts';
import { createSession, Unanswered } from './session.ts';
import { createShare, type ShareCounters } from './share.ts';

/** Counters of this process that also hold what it has running. */
export interface OwnCounters extends ShareCounters {
  acquire(counter: CounterKey, limit: number, nowMs: number): number | undefined;
  giveBack(cell: number): void;
}

/** What the counters of one thread are made of. */
export interface ValkeyDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  /** What the windows of budgets go by. */
  readonly wall: Pick<WallClock, 'nowMs'>;
  /** What this instance counts by while the server cannot be asked; shared by its threads. */
  readonly own: OwnCounters;
  /** Names this process among the instances. */
  readonly instance: string;
  /** A name that nobody had before. */
  readonly newId: () => string;
  /** What then becomes of requests: each instance keeps to its share, or they are denied. */
  readonly onFailure: 'local-share' | 'deny';
  /** Called once for each change. @param why a word where the server cannot be asked any more */
  readonly onChange: (isUp: boolean, why: string | undefined) => void;
  /** What was known before this process, or this thread, began. */
  readonly before?: RestoredJournal | undefined;
  /** Takes what would be lost with this thread, soon after it has changed. */
  readonly onJournal?: ((page: JournalPage) => void) | undefined;
}

/** Counters that all instances share. */
export interface ValkeyCounters extends Counters {
  /** Whether the server decides. */
  isUp(): boolean;
  /** Why the server could not be joined, in a word. */
  problem(): string | undefined;
  /** Requests that were decided, or denied, without it. */
  failures(): number;
  /** Whether anything was used of a budget that is not known to have arrived. */
  hasUntold(): boolean;
  /** Resolves once the server decides, or after so many milliseconds. */
  ready(withinMs: number): Promise<void>;
  /** Gives back all that is held, and what was spent ahead. */
  close(): Promise<void>;
}

/** Counters that a thread remembers for a server that loses them: some 20 MB. */
const REMEMBERED = { budgets: REMEMBERED_BUDGETS, others: 16_384 };
const SWEEP_MS = 100;
const LEASE_MS = 200;
/** With what a running stream has used at most this makes less than a second that a kill forgives. */
const JOURNAL_MS = 400;
const READY_LOOK_MS = 20;
const RETRY_MS = 1_000;
const NO_LIMIT = 2 ** 31 - 1;

/** What a spend holds on the server. */
class ServerHold extends Hold {
  /** Cell that counts it among what runs here. */
  readonly cell: number | undefined;

  constructor(ask: Ask, cell: number | undefined) {
    super(ask);
    this.cell = cell;
  }
}

/** What a spend holds that was decided here. */
class OwnPart {
  readonly spent: Spent;

  constructor(spent: Spent) {
    this.spent = spent;
  }
}

/** Joins the fleet at once and goes on trying while the server cannot be reached. */
export function createValkeyCounters(deps: ValkeyDeps): ValkeyCounters {
  const { clock, own } = deps;
  const endsAt = (windowEndMs: number): number => {
    const nowMs = clock.monotonicMs();
    return nowMs + windowEndMs - deps.wall.nowMs(nowMs);
  };
  const ledger = createLedger(deps.before?.thread?.untold ?? [], endsAt);
  const memory = createMemoryOfServer(REMEMBERED, clock, deps.before?.seen ?? [], endsAt);
  const leases = createLeases();
  const journal = createJournal({ ledger, memory, session: () => session, write: deps.onJournal });
  const session = createSession({ ...deps, ledger, memory, before: deps.before?.thread, onJoined: journal });
  const share = createShare(
    own,
    (one, nowMs) => memory.spentOf(one, nowMs),
    () => session.fleet().instances,
  );
  let failures = 0;
  let isFlushDue = false;
  let isClosed = false;
  sweep();
  if (deps.onJournal !== undefined) keepJournal();

  function sweep(): void {
    returnLeases(session.isUp() ? LEASE_MS : 0);
    if (!isClosed) clock.after(SWEEP_MS, sweep);
  }

  function keepJournal(): void {
    journal();
    if (!isClosed) clock.after(JOURNAL_MS, keepJournal);
  }

  function returnLeases(ms: number): void {
    for (const { ask, units } of leases.takeOlderThan(ms, clock.monotonicMs())) giveBackUnits(ask, units);
    flushSoon();
  }

  function giveBackUnits(ask: Ask, units: number): void {
    // In parts of a millisecond that stay exact (rateOf), rounded so that none too many come back.
    if (ask.kind === 'rate') ledger.charge(itemOf(ask), -Math.floor(units * ask.rate.intervalMs * 16_384) / 16_384);
    else ledger.release(itemOf(ask), units, 0);
  }

  /** Together with all that is settled in the same turn. */
  function flushSoon(): void {
    if (isFlushDue || !ledger.hasUntold()) return;
    isFlushDue = true;
    setImmediate(() => {
      isFlushDue = false;
      session.flush();
    });
  }

  async function ask(asks: readonly Ask[]): Promise<Spent | Refused> {
    const sentAtMs = clock.monotonicMs();
    const items = asks.map(itemOf);
    // What stands beside a concurrency is asked about each time: units taken ahead of it would lie idle while others want them.
    const isAlwaysAsked = asks.some(({ kind }) => kind === 'concurrency');
    const words = asks.flatMap((one, i) =>
      wordsOf(items[i] ?? itemOf(one), costOf(one), isAlwaysAsked ? 0 : leases.wanted(one, sentAtMs), sentAtMs),
    );
    // What was settled before must have come back before this asks.
    session.flush();
    let reply: Reply;
    try {
      reply = await session.call('spend', items, words);
    } catch (error) {
      for (const one of asks) leases.granted(one, 0, NO_STANDING, sentAtMs, sentAtMs);
      if (!(error instanceof Unanswered)) throw error;
      return spendWithout(asks);
    }
    if (reply[0] === 'ok' && reply.length === 1 + asks.length * 4) return spentFrom(asks, reply, sentAtMs);
    for (const one of asks) leases.granted(one, 0, NO_STANDING, sentAtMs, sentAtMs);
    return reply[0] === 'refused' ? refusalFrom(asks, reply) : spendWithout(asks);
  }

  function spentFrom(asks: readonly Ask[], reply: Reply, sentAtMs: number): Spent {
    const nowMs = clock.monotonicMs();
    const standings: LimitStanding[] = [];
    const holds = asks.map((one, i) => {
      const words = reply.slice(1 + i * 4, 5 + i * 4);
      const granted = Number(words[3]);
      const standing = noteTaken(one, words, granted, nowMs);
      standings.push(standing);
      leases.granted(one, granted, standing, sentAtMs, nowMs);
      // Counted here, too: without the server it must be known what is running.
      return new ServerHold(one, one.kind === 'concurrency' ? own.acquire(one.counter, NO_LIMIT, nowMs) : undefined);
    });
    return { kind: 'spent', standings, holds };
  }

  function noteTaken(one: Ask, words: readonly string[], granted: number, nowMs: number): LimitStanding {
    if (one.kind === 'rate') {
      const [remaining, resetMs] = [Number(words[0]), Number(words[1])];
      memory.seeRate(one, resetMs + granted * one.rate.intervalMs, nowMs);
      share.note(one, costOf(one), nowMs);
      return rateStanding(one, remaining, resetMs);
    }
    const item = itemOf(one);
    if (one.kind === 'concurrency') {
      ledger.hold(item, 1);
      return concurrencyStanding(one, Math.max(0, one.limit - Number(words[0])));
    }
    const amount = amountFrom(item, words, nowMs);
    ledger.hold(item, one.cost + granted);
    memory.seeAmount(item, amount, nowMs);
    return amountStanding(one, amount, nowMs);
  }

  function refusalFrom(asks: readonly Ask[], [, index, ...words]: Reply): Refused {
    const one = asks[Number(index)];
    if (one === undefined) throw new Error('the counters answered for an ask that was not asked');
    const nowMs = clock.monotonicMs();
    if (one.kind === 'concurrency') return refusedFull(one);
    if (one.kind === 'rate') {
      memory.seeRate(one, Number(words[1]), nowMs);
      return refused(one, Number(words[2]), rateStanding(one, 0, Number(words[1])));
    }
    const endsInMs = Number(words[3]);
    return refusedAmount(one, words, nowMs, one.bound.kind === 'budget' ? nowMs + endsInMs : 0);
  }

  /** @param untilMs when its window ends, where the server has told */
  function refusedAmount(one: AmountAsk, words: readonly string[], nowMs: number, untilMs?: number): Refused {
    const item = itemOf(one);
    const seen = amountFrom(item, words, nowMs);
    const amount = untilMs === undefined ? seen : { ...seen, untilMs };
    memory.seeAmount(item, amount, nowMs);
    const result = reserve(one.bound, amount, one.cost, nowMs);
    return refused(one, result.conforms ? 1 : result.retryAfterMs, amountStanding(one, amount, nowMs));
  }

  function spendWithout(asks: readonly Ask[]): Spent | Refused {
    failures++;
    if (deps.onFailure === 'deny') throw new CountersUnavailable('the counters cannot be asked');
    const spent = share.spend(asks, clock.monotonicMs());
    if (spent.kind === 'refused') return spent;
    for (const one of asks) {
      if (one.kind === 'rate') ledger.charge(itemOf(one), costOf(one) * one.rate.intervalMs);
      else ledger.holdUntold(itemOf(one), costOf(one));
    }
    return { ...spent, holds: [...asks.map((one) => new ServerHold(one, undefined)), new OwnPart(spent)] };
  }

  async function extendThere(holds: readonly ServerHold[], more: readonly number[]): Promise<Refused | undefined> {
    session.flush();
    const items = holds.map(({ ask: one }) => itemOf(one));
    const words = items.flatMap((item, i) => wordsOf(item, more[i] ?? 0, 0, clock.monotonicMs()));
    let reply: Reply;
    try {
      reply = await session.call('extend', items, words);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      return extendWithout(holds, more);
    }
    let refusal: Refused | undefined;
    for (const [i, hold] of holds.entries()) {
      const answer = reply.slice(1 + i * 4, 5 + i * 4);
      if (answer[3] === '1') {
        ledger.hold(itemOf(hold.ask), more[i] ?? 0);
        hold.reserved += more[i] ?? 0;
      } else if (hold.ask.kind === 'amount') refusal ??= refusedAmount(hold.ask, answer, clock.monotonicMs());
    }
    return refusal;
  }

  /** A stream that runs may go on within the share; what denies says so to it, too. */
  function extendWithout(holds: readonly ServerHold[], more: readonly number[]): Refused | undefined {
    failures++;
    let refusal: Refused | undefined;
    for (const [i, hold] of holds.entries()) {
      if (hold.ask.kind !== 'amount') continue;
      const nowMs = clock.monotonicMs();
      const asked = { ...hold.ask, cost: more[i] ?? 0 };
      const result = deps.onFailure === 'deny' ? undefined : share.spend([asked], nowMs);
      if (result?.kind === 'spent') {
        // Not reserved here beyond this moment: what it costs is settled with the rest.
        own.settle(result, [asked.cost], nowMs);
        ledger.holdUntold(itemOf(asked), asked.cost);
        hold.reserved += asked.cost;
      } else refusal ??= result ?? refused(hold.ask, RETRY_MS, share.standing(hold.ask, nowMs));
    }
    return refusal;
  }

  function settleOne(hold: ServerHold, actual: number, isOwn: boolean, nowMs: number): void {
    const item = itemOf(hold.ask);
    if (hold.cell !== undefined) own.giveBack(hold.cell);
    if (hold.ask.kind === 'concurrency') return ledger.release(item, 1, 0);
    if (hold.ask.kind !== 'amount') return;
    const { given, more } = hold.end(actual, nowMs);
    if (!isOwn && more > 0) share.note(hold.ask, more, nowMs);
    ledger.release(item, given, more);
  }

  return {
    keyOf: (name) => new HashedKey(own.keyOf(name)),

    spend(asks, nowMs) {
      if (asks.length === 0) return { kind: 'spent', standings: [], holds: [] };
      if (!session.isUp()) return spendWithout(asks);
      const standings = leases.spend(asks, nowMs);
      if (standings === undefined) return ask(asks);
      for (const one of asks) if (one.kind === 'rate') share.note(one, costOf(one), nowMs);
      return { kind: 'spent', standings, holds: asks.map((one) => new ServerHold(one, undefined)) };
    },

    extend(spent, totals) {
      const holds: ServerHold[] = [];
      const more: number[] = [];
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof ServerHold) || hold.ask.kind !== 'amount') continue;
        const units = hold.missing(totals[index++] ?? 0);
        if (units <= 0) continue;
        holds.push(hold);
        more.push(units);
      }
      if (holds.length === 0) return undefined;
      return session.isUp() ? extendThere(holds, more) : extendWithout(holds, more);
    },

    progress(spent, actuals, nowMs) {
      const ownPart = spent.holds.find((hold) => hold instanceof OwnPart);
      if (ownPart !== undefined) own.progress(ownPart.spent, actuals, nowMs);
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof ServerHold) || hold.ask.kind !== 'amount') continue;
        const step = hold.progress(actuals[index++] ?? 0, nowMs);
        if (step === undefined) continue;
        if (ownPart === undefined) share.note(hold.ask, step.more, clock.monotonicMs());
        ledger.release(itemOf(hold.ask), step.given, step.more);
      }
      flushSoon();
    },

    settle(spent, actuals, nowMs) {
      const ownPart = spent.holds.find((hold) => hold instanceof OwnPart);
      if (ownPart !== undefined) own.settle(ownPart.spent, actuals, nowMs);
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof ServerHold)) continue;
        settleOne(hold, hold.ask.kind === 'amount' ? (actuals[index++] ?? 0) : 0, ownPart !== undefined, nowMs);
      }
      flushSoon();
    },

    async standing(one, nowMs) {
      if (!session.isUp()) return share.standing(one, nowMs);
      session.flush();
      const item = itemOf(one);
      try {
        const [, ...words] = await session.call('peek', [item], wordsOf(item, 0, 0, nowMs));
        return standingFrom(one, words, clock.monotonicMs());
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        return share.standing(one, nowMs);
      }
    },

    isUp: () => session.isUp(),
    failures: () => failures,
    problem: () => session.problem(),
    hasUntold: () => ledger.untoldBudgets().length > 0,
    ready(withinMs) {
      const endMs = clock.monotonicMs() + withinMs;
      return new Promise((resolve) => {
        const look = (): void => {
          if (session.isUp() || clock.monotonicMs() >= endMs) resolve();
          else clock.after(READY_LOOK_MS, look);
        };
        look();
      });
    },
    async close() {
      isClosed = true;
      returnLeases(0);
      await session.close();
      journal();
    },
  };
}

const NO_STANDING: LimitStanding = { name: '', limit: 0, remaining: 0, windowS: 0, resetMs: 0 };

function standingFrom(ask: Ask, words: readonly string[], nowMs: number): LimitStanding {
  if (ask.kind === 'concurrency') return concurrencyStanding(ask, Math.max(0, ask.limit - Number(words[0])));
  if (ask.kind === 'amount') return amountStanding(ask, amountFrom(itemOf(ask), words, nowMs), nowMs);
  const resetMs = Number(words[1]);
  return rateStanding(ask, Math.max(0, ask.rate.burst - Math.ceil(resetMs / ask.rate.intervalMs)), resetMs);
}
