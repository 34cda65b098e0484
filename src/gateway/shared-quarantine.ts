import { randomUUID } from 'node:crypto';
import type { LogOutput } from '../adapters/log/output.ts';
import { isHoldable } from '../directory/quarantines.ts';
import type { QuarantineRecord, RecordChange } from '../directory/records.ts';
import {
  isUntold,
  NEVER,
  SharedHoldsUnavailable,
  verdictOn,
  type HeldElsewhere,
  type ReleasedElsewhere,
  type SharedAnswer,
  type SharedHold,
  type SharedHolds,
  type SharedNote,
  type SharedNotes,
  type SharedPage,
} from '../directory/shared-holds.ts';
import { StoreUnavailable, VersionConflict } from '../directory/store.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { Clock } from '../kernel/clock.ts';
import type { QuarantineKeeper } from './quarantine.ts';

/** Opens what instances share on the server of the counters. Nothing is asked yet. @param from host and port of this one */
export async function openSharedHolds(
  url: string,
  { clock, process, from }: { readonly clock: Clock; readonly process: string; readonly from: string },
): Promise<SharedHolds> {
  // Loaded here only, as with the counters.
  const [{ createValkeyHolds, HOLDS_SOURCE }, { connectTo }] = await Promise.all([
    import('../adapters/valkey/holds.ts'),
    import('../adapters/valkey/connection.ts'),
  ]);
  return createValkeyHolds({
    ...{ clock, process, from, connect: connectTo(url, HOLDS_SOURCE), newId: () => randomUUID() },
  });
}

/** What it works with. */
export interface SharedQuarantineDeps {
  readonly holds: SharedHolds;
  /** What was noted before the start. */
  readonly notes: SharedNotes;
  readonly directory: Pick<DirectoryState, 'quarantines'>;
  readonly keeper: Pick<QuarantineKeeper, 'follow' | 'letGo'>;
  /** Writes what came from elsewhere with the notes of it, all or none, and tells nobody of it outside. */
  readonly commit: (changes: readonly RecordChange[], notes: SharedNotes) => Promise<unknown>;
  /** Names this process among the instances. */
  readonly process: string;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'info' | 'warn' | 'error'>;
  /** Told whether it is shared, each time that changes; at first it is not. */
  readonly onShared: (isShared: boolean) => void;
}

/** What is held and released on one instance is so on all. */
export interface SharedQuarantine {
  /**
   * Holds what is held elsewhere before the first request is let in. Ends soon, also where the server does not answer; then what
   * is held is heard of later.
   */
  catchUp(): Promise<void>;
  /** Shares from now on, and goes on trying. */
  begin(): void;
  /** Something was held or released here: it is told at once. */
  changed(): void;
  /** Whether the other instances can know of what was done to a credential last; waits a second for it at most. */
  isTold(id: string): Promise<boolean>;
  /** How many changes the server was not told of yet. */
  untold(): number;
  /** Ends with what runs; nothing of it waits for long. */
  close(): Promise<void>;
}

const LOOK_MS = 400;
/** So often what is not followed is judged again: places come free, and configurations change. */
const LOOKS_TO_JUDGE = 10;
/** A server that is slow once is not away. */
const AWAY_MS = 2_000;
/** What was released before is not told again to a server that has lost it. */
const TOLD_AGAIN_MS = 86_400_000;
/** So often all is compared, for what was lost on the server without a trace: every five minutes. */
const LOOKS_TO_COMPARE = 750;
/** Holds that are not followed and remembered; there is no room for more on the server. */
const MAX_UNFOLLOWED = 1_000;
/** How long a start waits for what is held elsewhere; as long as for the counters. */
const CATCH_UP_MS = 2_500;
const TOLD_MS = 1_000;
const MAX_OVERRULED = 100;
/** How long an end waits for what is being told. */
const END_MS = 1_000;

/**
 * Opens it; nothing is asked yet. No request waits for it: what it hears becomes a change like an operator's.
 */
export function shareQuarantine(deps: SharedQuarantineDeps): SharedQuarantine {
  const { holds, directory, keeper, clock, log } = deps;
  const notes = new Map<string, SharedNote>(deps.notes);
  /** Names by their hashes, of all that was ever held here. */
  const names = new Map<string, string>();
  /** What is held elsewhere and not here, by its hash. */
  const unfollowed = new Map<string, HeldElsewhere>();
  let known = Math.max(0, ...[...notes.values()].map(({ version }) => version));
  let looks = 0;
  let hasChanged = true;
  let isClosed = false;
  let awaySinceMs: number | undefined = clock.monotonicMs();
  let isShared = false;
  let isSaid = false;
  let [isFull, isFullSaid, isMalformed] = [false, false, false];
  /** A look that was not waited for. */
  let early: Promise<unknown> | undefined;
  let running: Promise<void> | undefined;
  let wake = (): void => undefined;
  /** Versions of records that counted for nothing: it was held anew elsewhere. */
  const overruled = new Map<string, number>();
  /** Who waits for the end of a round. */
  const waiting: (() => void)[] = [];

  const noteOf = (id: string): SharedNote => notes.get(id) ?? NEVER;

  /** Writes changes and notes together: neither counts without the other. */
  async function write(changes: readonly RecordChange[], all: SharedNotes): Promise<void> {
    const news = all.filter(([id, note]) => {
      const { recordVersion, version, seen } = noteOf(id);
      return recordVersion !== note.recordVersion || version !== note.version || seen !== note.seen;
    });
    if (changes.length + news.length === 0) return;
    await deps.commit(changes, news);
    for (const [id, note] of news) {
      notes.set(id, note);
      known = Math.max(known, note.version);
    }
  }

  const agree = (all: SharedNotes): Promise<void> => write([], all);

  function overrule({ id, version }: QuarantineRecord): void {
    overruled.set(id, version);
    for (const [oldest] of overruled) if (overruled.size > MAX_OVERRULED) overruled.delete(oldest);
  }

  function nameOf(entry: SharedHold): string | undefined {
    if (entry.state === 'held') return entry.id;
    if (names.size < directory.quarantines.size) {
      for (const id of directory.quarantines.keys()) names.set(holds.keyOf(id), id);
    }
    return names.get(entry.key);
  }

  async function hold(entries: readonly HeldElsewhere[]): Promise<void> {
    const left = await keeper.follow(entries, (changes, standing) => {
      const versions = versionsAfter(changes);
      const met = standing.flatMap(({ id, version }) => {
        const record = directory.quarantines.get(id);
        const recordVersion = versions.get(id) ?? record?.version ?? 0;
        // A release here of what it did not know of counts for nothing.
        if (versions.has(id) && record !== undefined && isUntold(record, noteOf(id))) overrule(record);
        // What was held here meanwhile, by an operator, is a change of ours, and is told.
        return versions.has(id) || !isUntold(record, noteOf(id))
          ? [[id, { recordVersion, version, seen: 0 }] as const]
          : [];
      });
      return write(changes, met);
    });
    for (const entry of left) unfollowed.set(entry.key, entry);
    // What was forgotten comes again with the next comparison.
    for (const [key] of unfollowed) if (unfollowed.size > MAX_UNFOLLOWED) unfollowed.delete(key);
  }

  async function letGo(entries: readonly Released[]): Promise<void> {
    const all = entries.map(({ record, entry }) => ({ record, from: entry.from }));
    await keeper.letGo(all, (changes) => {
      const versions = versionsAfter(changes);
      return write(
        changes,
        entries.map(({ record: { id }, entry: { version, seen } }) => [
          id,
          { recordVersion: versions.get(id) ?? 0, version, seen },
        ]),
      );
    });
  }

  /** What is to be done about entries. */
  function sort(entries: readonly SharedHold[]): Wishes {
    const wishes: Wishes = { agreed: [], held: [], released: [], told: [] };
    // Of one that came twice the last counts.
    for (const entry of new Map(entries.map((one) => [one.key, one])).values()) {
      known = Math.max(known, entry.version);
      unfollowed.delete(entry.key);
      const id = nameOf(entry);
      // Released, and never heard of here.
      if (id === undefined) continue;
      const record = directory.quarantines.get(id);
      const about = { version: entry.version, seen: entry.state === 'released' ? entry.seen : 0 };
      const verdict = verdictOn(entry, record, noteOf(id), deps.process);
      if (verdict === 'agree') wishes.agreed.push([id, { recordVersion: record?.version ?? 0, ...about }]);
      else if (verdict === 'own') wishes.agreed.push([id, { recordVersion: entry.recordVersion, ...about }]);
      else if (verdict === 'repeat' || verdict === 'anew')
        wishes.told.push(...(record === undefined ? [] : [{ record, isNew: verdict === 'anew' }]));
      else if (verdict === 'follow') {
        if (entry.state === 'held') wishes.held.push(entry);
        else if (record?.state === 'held') wishes.released.push({ record, entry });
        else wishes.agreed.push([id, { recordVersion: record?.version ?? 0, ...about }]);
      }
    }
    return wishes;
  }

  /** All at once; where that fails one by one, so that one that cannot be written keeps no other from being held. */
  async function each<One>(all: readonly One[], work: (some: readonly One[]) => Promise<void>): Promise<void> {
    if (all.length === 0) return;
    let failure: unknown;
    try {
      return await work(all);
    } catch (error) {
      failure = error;
    }
    if (all.length > 1) {
      failure = undefined;
      for (const one of all) await work([one]).catch((error: unknown) => (failure ??= error));
    }
    if (failure !== undefined) throw failure;
  }

  /** Does what entries ask for here; a failure of one does not keep the rest from it. */
  async function follow({ agreed, held, released }: Wishes): Promise<void> {
    const done = await Promise.allSettled([each(held, hold), each(released, letGo), each(agreed, agree)]);
    const failed = done.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async function tell(record: QuarantineRecord, isNew: boolean): Promise<SharedAnswer['kind']> {
    const { id, version: recordVersion, state } = record;
    const before = noteOf(id);
    const seen = state === 'held' ? 0 : isNew ? before.version : before.seen;
    const answer = await holds.tell({ record, tenant: record.tenant, version: before.version, seen, isNew, known });
    if (answer.kind === 'told' && isNew) await agree([[id, { recordVersion, version: answer.version, seen }]]);
    else if (answer.kind === 'known' && isNew) {
      // Held by somebody else, perhaps by an operator, where it is held by a rule here: that is followed with the next look.
      // What is newer than what is told again comes with a look; it must not seem to be known.
      await agree([
        [id, state === 'held' ? { ...before, recordVersion } : { recordVersion, version: answer.version, seen }],
      ]);
      if (state === 'held') holds.again();
    } else if (answer.kind === 'stale' && isNew) {
      // It counts for nothing, and what it was asked against may have been heard while it was still held here.
      await agree([[id, { ...before, recordVersion }]]);
      overrule(record);
      holds.again();
    } else if (answer.kind === 'full') {
      isFull = true;
    }
    return answer.kind;
  }

  const untold = (): QuarantineRecord[] =>
    [...directory.quarantines.values()].filter(
      (record) => isUntold(record, noteOf(record.id)) && isHoldable(record.id),
    );

  /** Tells in turn, of each state until there is no place for it, which is said once. */
  async function tellAll(
    words: readonly { readonly record: QuarantineRecord; readonly isNew: boolean }[],
  ): Promise<void> {
    const full = new Set<QuarantineRecord['state']>();
    for (const { record, isNew } of words) {
      if (isClosed || full.has(record.state)) continue;
      if ((await tell(record, isNew)) !== 'full') continue;
      full.add(record.state);
      if (!isFullSaid) log.error('shared_quarantine_full', { subject: record.id, state: record.state });
      isFullSaid = true;
    }
  }

  async function tellNew(): Promise<void> {
    isFull = false;
    await tellAll(untold().map((record) => ({ record, isNew: true })));
    isFullSaid = isFull;
  }

  /** To a server that does not know of it: it has lost its data, or a part of them. */
  async function tellAgain({ entries, nowMs }: SharedPage): Promise<void> {
    const there = new Set(entries.map(({ key }) => key));
    const lost = [...directory.quarantines.values()].filter((record) => {
      const note = noteOf(record.id);
      if (note.version === 0 || isUntold(record, note)) return false;
      if (there.has(holds.keyOf(record.id))) return false;
      return record.state === 'held' || note.version > nowMs - TOLD_AGAIN_MS;
    });
    await tellAll(lost.map((record) => ({ record, isNew: false })));
  }

  function noteMalformed({ malformed, isWhole }: SharedPage): void {
    if (malformed > 0 && !isMalformed) log.warn('shared_quarantine_malformed', { count: malformed });
    isMalformed = malformed > 0 || (isMalformed && !isWhole);
  }

  async function round(): Promise<void> {
    looks++;
    if (looks % LOOKS_TO_COMPARE === 0) holds.again();
    // What found no place may have found one since.
    if (isFull && looks % LOOKS_TO_JUDGE === 0) hasChanged = true;
    const page = await holds.look();
    noteMalformed(page);
    if (page.isWhole) unfollowed.clear();
    const before = hasChanged || looks % LOOKS_TO_JUDGE === 0 ? [...unfollowed.values()] : [];
    const wishes = sort(page.entries);
    const done = await Promise.allSettled([follow(wishes)]);
    // Those of before that nothing newer was heard of; after the news, which may have released one.
    const again = sort(before.filter((entry) => unfollowed.get(entry.key) === entry));
    done.push(...(await Promise.allSettled([follow(again)])));
    await tellAll([...wishes.told, ...again.told]);
    if (page.isWhole) await tellAgain(page);
    if (hasChanged || page.isWhole) {
      hasChanged = false;
      await tellNew();
    }
    for (const one of done) if (one.status === 'rejected') throw one.reason;
  }

  function setShared(is: boolean): void {
    if (isShared !== is) deps.onShared(is);
    isShared = is;
  }

  function succeeded(): void {
    if (isSaid) log.info('quarantine_shared');
    isSaid = false;
    awaySinceMs = undefined;
    setShared(true);
  }

  function failed(error: unknown): void {
    holds.again();
    hasChanged = true;
    awaySinceMs ??= clock.monotonicMs();
    if (isSaid || isClosed || clock.monotonicMs() - awaySinceMs < AWAY_MS) return;
    isSaid = true;
    setShared(false);
    log.warn('quarantine_unshared', { why: whyOf(error) });
  }

  async function run(): Promise<void> {
    await early;
    // What is to be told, and what could not be written, is seen to by the first round.
    holds.again();
    while (!isClosed) {
      const hasFailed = await round().then(succeeded, (error: unknown) => failed(error) ?? true);
      for (const end of waiting.splice(0)) end();
      if (isClosed || (hasChanged && hasFailed !== true)) continue;
      // Who wakes it is not who it works for: it goes on in its own context, not in that of an operator's request.
      await new Promise<void>((resolve) => {
        wake = resolve;
        clock.after(LOOK_MS, resolve);
      });
    }
  }

  return {
    async catchUp() {
      const look = holds.look().catch(() => undefined);
      early = look;
      const late = new Promise<undefined>((resolve) => void clock.after(CATCH_UP_MS, () => resolve(undefined)));
      const page = await Promise.race([look, late]);
      if (page !== undefined) await follow(sort(page.entries)).catch(() => undefined);
    },
    begin: () => void (running ??= run()),
    changed() {
      hasChanged = true;
      wake();
    },
    async isTold(id) {
      const asked = directory.quarantines.get(id)?.version ?? 0;
      const isDone = (): boolean => noteOf(id).recordVersion >= asked;
      const end = clock.monotonicMs() + TOLD_MS;
      while (!isDone() && !isClosed && clock.monotonicMs() < end) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          clock.after(end - clock.monotonicMs(), resolve);
        });
      }
      return isDone() && overruled.get(id) !== asked;
    },
    untold: () => untold().length,
    async close() {
      isClosed = true;
      wake();
      await Promise.race([running, new Promise<void>((resolve) => void clock.after(END_MS, resolve))]);
      // Whoever still waits for the server hears that it is closed.
      holds.close();
      await running;
    },
  };
}

interface Released {
  readonly record: QuarantineRecord;
  readonly entry: ReleasedElsewhere;
}

interface Wishes {
  readonly agreed: SharedNotes[number][];
  readonly held: HeldElsewhere[];
  readonly released: Released[];
  readonly told: { readonly record: QuarantineRecord; readonly isNew: boolean }[];
}

/** The version of each record that a change makes. */
const versionsAfter = (changes: readonly RecordChange[]): ReadonlyMap<string, number> =>
  new Map(
    changes.flatMap((change) => (change.kind === 'quarantine' ? [[change.record.id, change.record.version]] : [])),
  );

/** A word for the log: a message of the store may name what is held. */
function whyOf(error: unknown): string {
  if (error instanceof SharedHoldsUnavailable) return error.message;
  if (error instanceof StoreUnavailable || error instanceof VersionConflict) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
