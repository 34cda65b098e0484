import type { RecordChange } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';

/** The change that revokes tokens by a name that they have in common. */
export function revocationChange(
  { revocations }: DirectoryState,
  mark: string,
  isExact: boolean,
  untilMs: number | undefined,
  nowMs: number,
): RecordChange {
  const expectedVersion = revocations.get(mark)?.version ?? 0;
  const record = { id: mark, atMs: nowMs, isExact, untilMs, version: expectedVersion + 1 };
  return { kind: 'revocation', record, expectedVersion };
}
