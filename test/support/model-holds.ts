import { BY_OPERATOR } from '../../src/directory/quarantines.ts';
import {
  SharedHoldsUnavailable,
  type SharedAnswer,
  type SharedHold,
  type SharedHolds,
  type SharedWord,
} from '../../src/directory/shared-holds.ts';

/** What `src/adapters/valkey/holds.lua` does, told once more and plainly. */
export interface ModelHoldsServer {
  /** One instance's way to it. @param name of its process, and where it is */
  connect(name: string): ModelHolds;
  /** It loses all that it has; who is connected stays so. */
  lose(): void;
  /** It loses all entries, and nobody can see that by its data. */
  forgetSilently(): void;
  /** All that is there, by its key. */
  readonly entries: ReadonlyMap<string, SharedHold>;
  /** What was told, in order: `change held`, `repeat released`. */
  readonly told: string[];
}

/** A way that can be cut. */
export interface ModelHolds extends SharedHolds {
  isCut: boolean;
  /** The next answer to what is told is lost on its way. */
  losesAnswer: boolean;
}

const KEPT_MS = 86_400_000;
const YOUNG_MS = 600_000;

interface Entry {
  readonly hold: SharedHold;
  readonly seq: number;
}

/** @param most entries that there is room for, of those that are held and of those that are released */
export function createModelHolds(
  nowMs: () => number,
  most = 1_000,
  keyOf: (id: string) => string = (id) => `#${id}`,
): ModelHoldsServer {
  let entries = new Map<string, Entry>();
  let [epoch, seq, top, floor] = [1, 0, 0, 0];
  const told: string[] = [];

  function forget(key: string): void {
    floor = Math.max(floor, entries.get(key)?.hold.version ?? 0);
    entries.delete(key);
  }

  const released = (): Entry[] =>
    [...entries.values()]
      .filter(({ hold }) => hold.state === 'released')
      // Of the same version by their keys, as a sorted set has them.
      .toSorted(({ hold: one }, { hold: other }) => one.version - other.version || (one.key < other.key ? -1 : 1));

  function put({ record, tenant, seen }: SharedWord, version: number, name: string): SharedAnswer {
    const key = keyOf(record.id);
    const [oldest, ...gone] = released();
    if (entries.get(key)?.hold.state !== record.state) {
      if (record.state === 'held') {
        if (entries.size - released().length >= most) return { kind: 'full' };
      } else if (oldest !== undefined && gone.length + 1 >= most) {
        if (oldest.hold.version > nowMs() - YOUNG_MS) return { kind: 'full' };
        forget(oldest.hold.key);
      }
    }
    const { id, rule, why, heldAtMs, state, version: recordVersion } = record;
    const common = { key, version, from: name, process: name, recordVersion };
    const hold: SharedHold =
      state === 'held' ? { ...common, state, id, rule, why, heldAtMs, tenant } : { ...common, state, seen };
    entries.set(key, { hold, seq: ++seq });
    top = Math.max(top, version);
    return { kind: 'told', version };
  }

  function tell(word: SharedWord, name: string): SharedAnswer {
    const { record, version, isNew, known } = word;
    told.push(`${isNew ? 'change' : 'repeat'} ${record.state}`);
    const there = entries.get(keyOf(record.id));
    if (!isNew) {
      const isTie = there?.hold.version === version && record.state === 'held' && there.hold.state === 'released';
      if (there !== undefined && there.hold.version >= version && !isTie) {
        return { kind: 'known', version: there.hold.version };
      }
      if (there === undefined && record.state === 'held' && version <= floor) return { kind: 'stale' };
      return put(word, version, name);
    }
    if (there === undefined && record.state === 'released' && version === 0) return { kind: 'stale' };
    if (there !== undefined && record.state === 'released') {
      if (there.hold.state === 'released') return { kind: 'known', version: there.hold.version };
      if (there.hold.version > version) return { kind: 'stale' };
    }
    if (there?.hold.state === 'held' && record.state === 'held' && record.rule !== BY_OPERATOR) {
      return { kind: 'known', version: there.hold.version };
    }
    return put(word, Math.max(top + 1, known + 1, nowMs()), name);
  }

  return {
    told,
    get entries() {
      return new Map([...entries].map(([key, { hold }]) => [key, hold]));
    },
    lose() {
      entries = new Map();
      epoch++;
      [seq, top, floor] = [0, 0, 0];
    },
    forgetSilently: () => entries.clear(),
    connect(name) {
      let [seenEpoch, since, isAnew] = [0, 0, true];
      const self: ModelHolds = {
        isCut: false,
        losesAnswer: false,
        keyOf,
        async look() {
          if (self.isCut) self.again();
          if (self.isCut) throw new SharedHoldsUnavailable('ECONNREFUSED');
          for (const { hold } of released()) if (hold.version <= nowMs() - KEPT_MS) forget(hold.key);
          const isWhole = isAnew || seenEpoch !== epoch;
          if (isWhole) since = 0;
          isAnew = false;
          const found = [...entries.values()].filter((entry) => entry.seq > since);
          const page = { isWhole, malformed: 0, nowMs: nowMs() };
          [seenEpoch, since] = [epoch, Math.max(since, ...found.map((entry) => entry.seq))];
          return { ...page, entries: found.toSorted((one, other) => one.seq - other.seq).map(({ hold }) => hold) };
        },
        async tell(word) {
          if (self.isCut) throw new SharedHoldsUnavailable('ECONNREFUSED');
          const answer = tell(word, name);
          if (!self.losesAnswer) return answer;
          self.losesAnswer = false;
          self.isCut = true;
          throw new SharedHoldsUnavailable('closed');
        },
        again: () => void (isAnew = true),
        close: () => undefined,
      };
      return self;
    },
  };
}
