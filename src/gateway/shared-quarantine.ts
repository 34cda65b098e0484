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
  type SharedHold,
  type SharedHolds,
  type SharedNote,
  type SharedNoteStore,
  type SharedPage,
} from '../directory/shared-holds.ts';
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
  readonly store: SharedNoteStore;
  readonly directory: Pick<DirectoryState, 'quarantines'>;
  readonly keeper: Pick<QuarantineKeeper, 'follow' | 'letGo'>;
  /** Writes what came from elsewhere, and tells nobody of it outside. */
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  /** Names this process among the instances. */
  readonly process: string;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'info' | 'warn' | 'error'>;
}

/** What is held and released on one instance is so on all. */
export interface SharedQuarantine {
  /** Something was held or released here: it is told at once. */
  changed(): void;
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

/**
 * Begins at once, and goes on trying. No request waits for it: what it hears becomes a change like an operator's.
 *
 * @throws StoreUnavailable
 */
export async function shareQuarantine(deps: SharedQuarantineDeps): Promise<SharedQuarantine> {
  const { holds, store, directory, keeper, clock, log } = deps;
  const notes = new Map<string, SharedNote>(await store.readNotes());
  /** Names by their hashes, of all that was ever held here. */
  const names = new Map<string, string>();
  /** What is held elsewhere and not here, by its hash. */
  const unfollowed = new Map<string, HeldElsewhere>();
  let known = Math.max(0, ...[...notes.values()].map(({ version }) => version));
  let looks = 0;
  let hasChanged = true;
  let isClosed = false;
  let awaySinceMs: number | undefined = clock.monotonicMs();
  let isTold = false;
  let [isFull, isMalformed] = [false, false];
  let wake = (): void => undefined;

  const noteOf = (id: string): SharedNote => notes.get(id) ?? NEVER;

  async function agree(id: string, note: SharedNote): Promise<void> {
    const { recordVersion, version } = noteOf(id);
    if (recordVersion === note.recordVersion && version === note.version) return;
    await store.writeNote(id, note);
    notes.set(id, note);
    known = Math.max(known, note.version);
  }

  /** Writes what an entry has made, the note first: a change that is not noted would be told as one of ours. */
  const commitFor =
    (id: string, version: number) =>
    async (changes: readonly RecordChange[]): Promise<void> => {
      await agree(id, { recordVersion: (directory.quarantines.get(id)?.version ?? 0) + changes.length, version });
      if (changes.length > 0) await deps.commit(changes);
    };

  function nameOf(entry: SharedHold): string | undefined {
    if (entry.state === 'held') return entry.id;
    if (names.size < directory.quarantines.size) {
      for (const id of directory.quarantines.keys()) names.set(holds.keyOf(id), id);
    }
    return names.get(entry.key);
  }

  async function follow(id: string, entry: SharedHold, record: QuarantineRecord | undefined): Promise<void> {
    const commit = commitFor(id, entry.version);
    if (entry.state === 'held') {
      if (!(await keeper.follow(entry, commit))) unfollowed.set(entry.key, entry);
    } else if (record?.state === 'held') await keeper.letGo(record, entry.from, commit);
    else await commit([]);
  }

  async function meet(entry: SharedHold): Promise<void> {
    known = Math.max(known, entry.version);
    unfollowed.delete(entry.key);
    const id = nameOf(entry);
    // Released, and never heard of here.
    if (id === undefined) return;
    const record = directory.quarantines.get(id);
    const { version } = entry;
    switch (verdictOn(entry, record, noteOf(id), deps.process)) {
      case 'follow':
        return follow(id, entry, record);
      case 'agree':
        return agree(id, { recordVersion: record?.version ?? 0, version });
      case 'own':
        return agree(id, { recordVersion: entry.recordVersion, version });
      case 'repeat':
        return record && tell(record, false);
      case 'nothing':
        return undefined;
    }
  }

  async function tell(record: QuarantineRecord, isNew: boolean): Promise<void> {
    const { id, version: recordVersion } = record;
    const { version } = noteOf(id);
    const answer = await holds.tell({ record, tenant: record.tenant, version, isNew, known });
    if (answer.kind === 'told' || answer.kind === 'known') {
      isFull = false;
      // What is newer there comes with a look; it must not seem to be known.
      if (isNew) await agree(id, { recordVersion, version: answer.version });
    } else if (answer.kind === 'stale' && isNew) {
      // It counts for nothing, and what it was asked against may have been heard while it was still held here.
      await agree(id, { recordVersion, version });
      holds.again();
    } else if (answer.kind === 'full') {
      if (!isFull) log.error('shared_quarantine_full', { subject: id });
      isFull = true;
    }
  }

  async function tellNew(): Promise<void> {
    for (const record of directory.quarantines.values()) {
      if (isClosed || !isUntold(record, noteOf(record.id)) || !isHoldable(record.id)) continue;
      await tell(record, true);
    }
  }

  /** To a server that does not know of it: it has lost its data, or a part of them. */
  async function tellAgain({ entries, nowMs }: SharedPage): Promise<void> {
    const there = new Set(entries.map(({ key }) => key));
    for (const record of directory.quarantines.values()) {
      const note = noteOf(record.id);
      if (isClosed || note.version === 0 || isUntold(record, note) || there.has(holds.keyOf(record.id))) continue;
      if (record.version < note.recordVersion) continue;
      if (record.state === 'held' || note.version > nowMs - TOLD_AGAIN_MS) await tell(record, false);
    }
  }

  async function round(): Promise<void> {
    const page = await holds.look();
    if (page.malformed > 0 && !isMalformed) log.warn('shared_quarantine_malformed', { count: page.malformed });
    isMalformed ||= page.malformed > 0;
    if (page.isWhole) unfollowed.clear();
    const again = hasChanged || looks++ % LOOKS_TO_JUDGE === 0 ? [...unfollowed.values()] : [];
    for (const entry of [...again, ...page.entries]) if (!isClosed) await meet(entry);
    if (page.isWhole) await tellAgain(page);
    if (!hasChanged && !page.isWhole) return;
    hasChanged = false;
    await tellNew();
  }

  function succeeded(): void {
    if (isTold) log.info('quarantine_shared');
    isTold = false;
    awaySinceMs = undefined;
  }

  function failed(error: unknown): void {
    holds.again();
    hasChanged = true;
    awaySinceMs ??= clock.monotonicMs();
    if (isTold || isClosed || clock.monotonicMs() - awaySinceMs < AWAY_MS) return;
    isTold = true;
    const why =
      error instanceof SharedHoldsUnavailable ? error.message : error instanceof Error ? error.name : 'unknown';
    log.warn('quarantine_unshared', { why });
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const hasFailed = await round().then(succeeded, (error: unknown) => failed(error) ?? true);
      if (isClosed || (hasChanged && hasFailed !== true)) continue;
      // Who wakes it is not who it works for: it goes on in its own context, not in that of an operator's request.
      await new Promise<void>((resolve) => {
        wake = resolve;
        clock.after(LOOK_MS, resolve);
      });
    }
  }

  const running = run();
  return {
    changed() {
      hasChanged = true;
      wake();
    },
    async close() {
      isClosed = true;
      wake();
      await running;
      holds.close();
    },
  };
}
