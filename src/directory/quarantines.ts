import type { QuarantineRecord, RecordChange } from './records.ts';
import type { DirectoryState } from './state.ts';

/** Without control characters, which no name of a token has (`claims.ts`) and nobody else could read. */
const HOLDABLE =
  /^(?:key:[\w-]{1,64}|(?:token|subject|client|pair|grant|session):(?!undefined )\S{1,512} \S.{0,511})$/s;

/** Whether something of this name can be held: `key:` and the id of an API key, or a name of tokens (`Principal.marks`). */
export const isHoldable = (id: string): boolean => id.isWellFormed() && HOLDABLE.test(id) && !/\p{Cc}/u.test(id);

/** Public id of the API key that a name is of; undefined where it is no key's. */
export const keyIdOf = (name: string): string | undefined => /^key:(.*)$/.exec(name)?.[1];

/** Rule of what an operator holds by hand. */
export const BY_OPERATOR = 'operator';

/** The credentials that are held, as one thread knows them. */
export interface Quarantines {
  /** Whether a caller with these names is held. */
  isHeld(marks: readonly string[]): boolean;
  /** Applies changes in order; the names that are held since then. */
  apply(changes: readonly RecordChange[]): string[];
}

/** @param records the snapshot to start from */
export function createQuarantines(records: readonly QuarantineRecord[]): Quarantines {
  const held = new Set(records.filter(({ state }) => state === 'held').map(({ id }) => id));
  return {
    isHeld: (marks) => held.size > 0 && marks.some((mark) => held.has(mark)),
    apply(changes) {
      const begun: string[] = [];
      for (const change of changes) {
        if (change.kind !== 'quarantine') continue;
        const { id, state } = change.record;
        if (state === 'released') held.delete(id);
        else if (held.size < held.add(id).size) begun.push(id);
      }
      return begun;
    },
  };
}

type QuarantineChange = Extract<RecordChange, { readonly kind: 'quarantine' }>;

/** The change that holds a credential. */
export function holdChange(
  { quarantines }: Pick<DirectoryState, 'quarantines'>,
  held: Pick<QuarantineRecord, 'id' | 'rule' | 'why' | 'heldAtMs' | 'tenant'>,
): QuarantineChange {
  const expectedVersion = quarantines.get(held.id)?.version ?? 0;
  return { kind: 'quarantine', record: { ...held, state: 'held', version: expectedVersion + 1 }, expectedVersion };
}

/** The change that lets a credential go. */
export function releaseChange(before: QuarantineRecord): QuarantineChange {
  const record = { ...before, state: 'released', version: before.version + 1 } as const;
  return { kind: 'quarantine', record, expectedVersion: before.version };
}
