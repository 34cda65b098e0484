import type { Clock, Timer } from '../../kernel/clock.ts';
import type { ThreadJournal } from '../../limits/journal.ts';
import { whyOf, type Connect, type Connection, type Reply } from './connection.ts';
import { keyOf, PREFIX, wordsOf, type Item } from './items.ts';
import type { Ledger } from './ledger.ts';
import type { MemoryOfServer, Recalled } from './memory-of-server.ts';

/** Nothing was heard of the server in time, or it failed. It may have done what it was asked. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** What a session is made of. */
export interface SessionDeps {
  readonly connect: Connect;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly memory: MemoryOfServer;
  /** Names this process among the instances. */
  readonly instance: string;
  /** A name that nobody had before. */
  readonly newId: () => string;
  /** Called once for each change. @param why a word where it went down */
  readonly onChange: (isUp: boolean, why: string | undefined) => void;
  /** What the thread whose place this takes has left. */
  readonly before?: ThreadJournal | undefined;
  /** Called with each new session, before anything is told by it. */
  readonly onJoined: () => void;
}

/** How many there are, as last heard. */
export interface Fleet {
  readonly members: number;
  readonly instances: number;
}

/**
 * This thread as a member of the fleet. It says twice a second that it lives; what a member holds that was not heard of for
 * 5 s, others give back. Each way back to the server is a new session, which takes the place of the one before: it announces
 * all that the thread holds and what it has last seen, so that neither an answer that was lost nor a server that has lost its
 * data leaves a wrong count.
 */
export interface Session {
  /** Whether requests can be decided by the server. */
  isUp(): boolean;
  fleet(): Fleet;
  /** Why the last try to join came to nothing, in a word; undefined where none has. */
  problem(): string | undefined;
  /** Those by which the server may know this thread. */
  sessions(): readonly string[];
  /** Calls the function for items. @throws Unanswered, at the latest after 250 ms; the session is down then */
  call(op: 'spend' | 'extend' | 'peek', items: readonly Item[], words: readonly string[]): Promise<Reply>;
  /** Has what the ledger has untold sent before anything that is called later. */
  flush(): void;
  /** Leaves: all that is held comes back at once. */
  close(): Promise<void>;
}

const ANSWER_MS = 250;
const LOOK_MS = 50;
const BEAT_MS = 500;
const RETRY_MS = 250;
/** How long a new session may wait for an answer: what waits before it may be much. */
const JOIN_MS = 2_000;
/** Counters in one call, and how many of these are on their way: between them others are answered, here and there. */
const RECALL = 100;
const RECALLS_AT_ONCE = 4;
/** Holds are remembered for an hour without a word. */
const TOUCH_MS = 600_000;
const LEAVE_MS = 500;
/**
 * Whoever comes back waits until all that it knew have come back, too, and have told what they spent meanwhile: so often it
 * looks, and so long at most, for by then those that do not come are dead.
 */
const RETURN_LOOK_MS = 100;
const RETURN_MS = 5_500;
/** Why a server decides nothing that lets nothing in before all have told what they know: what it knew was lost, or may have been. */
const INCOMPLETE = 'incomplete';
/** Timers come up to a millisecond too early, and the server counts whole ones. */
const EARLY_MS = 2;

/** Begins at once, and goes on trying. */
export function createSession(deps: SessionDeps): Session {
  const { clock, ledger, memory } = deps;
  const waiting = new Set<{ readonly atMs: number; readonly fail: (error: Unanswered) => void }>();
  let connection: Connection | undefined;
  let id: string | undefined;
  /** Sessions that may still hold something for us: the one that was let in last, then those that were announced since. */
  let before: string[] = [...(deps.before?.sessions ?? [])];
  /** Whether others may have spent without the server, too. */
  let isBack = (deps.before?.untold.length ?? 0) > 0;
  let state: 'down' | 'joining' | 'joined' | 'closed' = 'down';
  /** When a server that has lost its data may be told what is to be added to what all have seen. */
  let opensAtMs = 0;
  let hasBegun = false;
  /** Members without which nothing is let in yet. */
  let awaited = 0;
  let awaitedUntilMs = 0;
  /** Time of the server when this session began. */
  let joinedAt = '0';
  let fleet: Fleet = deps.before ?? { members: 1, instances: 1 };
  let wasUp = false;
  let problem: string | undefined;
  let look: Timer | undefined;
  let touchAtMs = clock.monotonicMs() + TOUCH_MS;

  const isUp = (): boolean => state === 'joined' && hasBegun && awaited === 0;

  function say(why?: string): void {
    const now = isUp();
    if (now === wasUp) return;
    wasUp = now;
    deps.onChange(now, why);
  }

  const keysOf = (session: string, keys: readonly string[]): readonly string[] => [
    `${PREFIX}members`,
    `${PREFIX}instances`,
    `${PREFIX}epoch`,
    `${PREFIX}held:${session}`,
    ...keys,
  ];

  const ask = (on: Connection, op: string, session: string, keys: readonly string[], words: readonly string[]) =>
    on.call(keysOf(session, keys), [op, session, ...words]);

  /** Calls and waits no longer than a request can. */
  function timed(op: string, keys: readonly string[], words: readonly string[]): Promise<Reply> {
    const session = id;
    if (connection === undefined || session === undefined || state !== 'joined') {
      return Promise.reject(new Unanswered('not joined'));
    }
    const answer = ask(connection, op, session, keys, words);
    return new Promise((resolve, reject) => {
      const one = { atMs: clock.monotonicMs(), fail: reject };
      waiting.add(one);
      look ??= clock.after(LOOK_MS, lookAtWaiting);
      answer.then(
        (reply) => {
          if (!waiting.delete(one)) return;
          const why = reply[0] === 'gone' ? 'gone' : reply[0] === 'closed' ? INCOMPLETE : undefined;
          if (why !== undefined) {
            reject(new Unanswered(why));
            if (session === id) fall(why, true);
          } else resolve(reply);
        },
        (error: unknown) => {
          if (!waiting.delete(one)) return;
          reject(new Unanswered(whyOf(error), { cause: error }));
          if (session === id) fall(whyOf(error), false);
        },
      );
    });
  }

  function lookAtWaiting(): void {
    look = undefined;
    const [oldest] = waiting;
    if (oldest === undefined) return;
    if (clock.monotonicMs() - oldest.atMs >= ANSWER_MS) fall('slow', true);
    else look = clock.after(LOOK_MS, lookAtWaiting);
  }

  /** Goes on without the server. @param keeps whether the connection is still good */
  function fall(why: string, keeps: boolean): void {
    if (state !== 'joined') return;
    state = 'down';
    hasBegun = false;
    isBack = true;
    if (id !== undefined) before.push(id);
    id = undefined;
    for (const one of waiting) one.fail(new Unanswered(why));
    waiting.clear();
    say(why);
    if (keeps) return void attempt();
    drop();
    clock.after(RETRY_MS, () => void attempt());
  }

  function drop(): void {
    connection?.close();
    connection = undefined;
  }

  async function attempt(): Promise<void> {
    if (state !== 'down') return;
    state = 'joining';
    const stop = new AbortController();
    const late = clock.after(JOIN_MS, () => {
      stop.abort();
      drop();
    });
    try {
      connection ??= await opened(stop.signal);
      await join(connection, late);
      if (stop.signal.aborted) throw new Unanswered('slow');
      state = 'joined';
      deps.onJoined();
      const waitMs = opensAtMs - clock.monotonicMs();
      const session = id;
      if (waitMs > 0) clock.after(waitMs, () => begin(session));
      else begin(session);
    } catch (error) {
      problem = whyOf(error);
      drop();
      if (isClosed()) return;
      state = 'down';
      if (id !== undefined) before.push(id);
      id = undefined;
      clock.after(RETRY_MS, () => void attempt());
    } finally {
      late.cancel();
    }
  }

  /** What was spent meanwhile is told first, then that it was. */
  function begin(session: string | undefined): void {
    if (session !== id || state !== 'joined') return;
    hasBegun = true;
    flush();
    say();
    void beat(session);
  }

  const isClosed = (): boolean => state === 'closed';

  async function opened(signal: AbortSignal): Promise<Connection> {
    const opening: Connection = await deps.connect((why) => {
      if (connection !== opening) return;
      connection = undefined;
      fall(why, false);
    }, signal);
    if (!signal.aborted) return opening;
    opening.close();
    throw new Unanswered('slow');
  }

  async function join(on: Connection, late: Timer): Promise<void> {
    const session = deps.newId();
    const old = before;
    before = namesToTell(old, session);
    const held = [...ledger.announced()].flatMap(([field, units]) => [field, String(units)]);
    const sentAtMs = clock.monotonicMs();
    const reply = await ask(on, 'join', session, [], [deps.instance, String(old.length), ...old, ...held]);
    if (reply[0] !== 'ok') throw new Unanswered(reply[0]);
    awaited = isBack ? fleet.members : 0;
    awaitedUntilMs = clock.monotonicMs() + RETURN_MS;
    joinedAt = reply[6] ?? '0';
    note(reply, clock.monotonicMs());
    ledger.rejoined(Number(reply[5]));
    await recall(on, session, memory.recalled(sentAtMs), late);
    before = [];
    id = session;
  }

  async function recall(on: Connection, session: string, all: readonly Recalled[], late: Timer): Promise<void> {
    let calls: Promise<Reply>[] = [];
    for (let at = 0; at < all.length; at += RECALL) {
      const part = all.slice(at, at + RECALL);
      const keys = part.map(({ item }) => keyOf(item));
      const nowMs = clock.monotonicMs();
      const words = part.flatMap(({ item, spent }) => wordsOf(item, 0, spent, nowMs));
      calls.push(ask(on, 'recall', session, keys, words));
      if (calls.length < RECALLS_AT_ONCE && at + RECALL < all.length) continue;
      for (const answer of await Promise.all(calls)) if (answer[0] !== 'ok') throw new Unanswered(answer[0]);
      calls = [];
      // It takes as long as there is much to tell, and as others have: only silence is too long.
      late.refresh();
    }
  }

  function note([, members, instances, opensInMs, heard]: Reply, nowMs: number): void {
    opensAtMs = Number(opensInMs) > 0 ? nowMs + Number(opensInMs) + EARLY_MS : nowMs;
    if (Number(heard) >= awaited || nowMs >= awaitedUntilMs) awaited = 0;
    // Until all are back it is not known that there are fewer.
    const least = awaited === 0 ? { members: 1, instances: 1 } : fleet;
    fleet = {
      members: Math.max(least.members, Number(members)),
      instances: Math.max(least.instances, Number(instances)),
    };
  }

  async function beat(session: string | undefined): Promise<void> {
    if (session !== id || state !== 'joined') return;
    try {
      const reply = await timed('beat', [], [deps.instance, joinedAt]);
      // Without a request nobody else would say so.
      if (Number(reply[3]) > 0) return void fall(INCOMPLETE, true);
      note(reply, clock.monotonicMs());
      say();
      if (clock.monotonicMs() >= touchAtMs) await touch();
    } catch {
      return;
    }
    clock.after(awaited === 0 ? BEAT_MS : RETURN_LOOK_MS, () => void beat(session));
  }

  async function touch(): Promise<void> {
    touchAtMs = clock.monotonicMs() + TOUCH_MS;
    const fields = [...ledger.heldFields()];
    for (let at = 0; at < fields.length; at += RECALL) {
      await timed(
        'touch',
        fields.slice(at, at + RECALL).map((field) => PREFIX + field),
        [],
      );
    }
  }

  function flush(): void {
    while (state === 'joined' && hasBegun) {
      const batch = ledger.take();
      if (batch === undefined) return;
      const sentAtMs = clock.monotonicMs();
      const words = batch.entries.flatMap(({ item, back, delta }) => wordsOf(item, back, delta, sentAtMs));
      const keys = batch.entries.map(({ item }) => keyOf(item));
      timed('settle', keys, [String(batch.seq), ...words]).then(
        (reply) => {
          ledger.told(batch.seq);
          const nowMs = clock.monotonicMs();
          for (const [i, { item }] of batch.entries.entries()) memory.seeSettled(item, reply.slice(1 + i * 4), nowMs);
        },
        // It stays in the ledger, for the next session.
        () => undefined,
      );
    }
  }

  void attempt();
  return {
    isUp,
    fleet: () => fleet,
    problem: () => problem,
    sessions: () => (id === undefined ? before : [...before, id]),
    call: (op, items, words) => timed(op, items.map(keyOf), words),
    flush,
    async close() {
      if (state === 'closed') return;
      const [on, session] = [connection, id];
      flush();
      state = 'closed';
      look?.cancel();
      if (on !== undefined && session !== undefined) {
        const given = new Promise<void>((resolve) => clock.after(LEAVE_MS, resolve));
        await Promise.race([
          given,
          ask(on, 'leave', session, [], []).then(
            () => void (id = undefined),
            () => undefined,
          ),
        ]);
      }
      drop();
    },
  };
}

/** Names of sessions in each call that joins. */
const MOST_BEFORE = 64;

/**
 * With one more. Too many are there only where the server has refused for a quarter of a minute; then those in the middle go: what one of
 * them holds was announced again since, and it is long found dead. The first may have settled, and what of it has arrived is known by its name.
 */
function namesToTell([first, ...others]: readonly string[], name: string): string[] {
  return first === undefined ? [name] : [first, ...others.slice(2 - MOST_BEFORE), name];
}
