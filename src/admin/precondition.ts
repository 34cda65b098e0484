import { deny, type Denial } from '../kernel/reasons.ts';
import type { RecordChange } from '../directory/records.ts';
import { VersionConflict } from '../directory/store.ts';
import type { AdminDeps, Committed } from './ports.ts';

/** The entity tag of a version (RFC 9110 §8.8.3). */
export const etagOf = (version: number): string => `"${version}"`;

/** Whether `If-Match` lets a change of this version through (RFC 9110 §13.1.1: strong comparison). */
export function matchesVersion(ifMatch: string | undefined, version: number): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true;
  return ifMatch.split(',').some((tag) => tag.trim() === etagOf(version));
}

/** How a record is changed. */
export interface Change<R extends { readonly version: number }> {
  /** The record as it is now; undefined where there is none. */
  readonly read: () => R | undefined;
  readonly ifMatch: string | undefined;
  /** The record as it is to be, with its next version; the same record where there is nothing to do. */
  readonly edit: (record: R) => R | Denial;
  /** The change that writes it, with those that have to happen in the same moment. */
  readonly changeOf: (record: R, expectedVersion: number) => RecordChange | readonly RecordChange[];
}

/** A record after its change; `committed` is undefined where there was nothing to do. */
export interface Changed<R> {
  readonly record: R;
  readonly committed: Committed | undefined;
}

const TRIES = 5;

/**
 * Changes a record as it is at the moment of writing. A change that another one came before is made anew on what that
 * one left, unless `If-Match` forbids it: a revocation must not get lost because somebody renamed the key.
 *
 * @throws StoreUnavailable
 */
export async function changeRecord<R extends { readonly version: number }>(
  deps: Pick<AdminDeps, 'commit'>,
  { read, ifMatch, edit, changeOf }: Change<R>,
): Promise<Changed<R> | Denial> {
  for (let tries = 1; ; tries += 1) {
    const before = read();
    if (before === undefined) return deny('unknown_object');
    if (!matchesVersion(ifMatch, before.version)) return deny('precondition_failed');
    const record = edit(before);
    if (isDenial(record)) return record;
    if (record === before) return { record, committed: undefined };
    try {
      return { record, committed: await deps.commit([changeOf(record, before.version)].flat()) };
    } catch (error) {
      if (!(error instanceof VersionConflict)) throw error;
      if (ifMatch !== undefined || tries === TRIES) return deny('precondition_failed');
    }
  }
}

/** Tells a refusal from another value: only refusals have a code and a field. */
export function isDenial(value: object): value is Denial {
  return 'code' in value && 'param' in value;
}
