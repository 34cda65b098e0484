import type { QuarantineRecord } from './records.ts';

/** What an instance has told the others of a credential. */
interface Told {
  /** Names the credential where they share: a hash. */
  readonly key: string;
  /** Orders all that was ever told of it, the newest highest; given by the server. Integer from 1. */
  readonly version: number;
  /** Where it was done, for people: host and port. */
  readonly from: string;
  /** The process that told it, and the version of its own record then. */
  readonly process: string;
  readonly recordVersion: number;
}

/** Held by one instance, and so by all. */
export interface HeldElsewhere extends Told, Pick<QuarantineRecord, 'id' | 'rule' | 'why' | 'heldAtMs'> {
  readonly state: 'held';
  /** Whose credential it is, where that is known. */
  readonly tenant: string | undefined;
}

/** Released by one instance, and so by all; its name is nobody's business any more. */
export interface ReleasedElsewhere extends Told {
  readonly state: 'released';
  /** The newest version of it that whoever released it had heard of. */
  readonly seen: number;
}

/** A credential as the instances have it in common. */
export type SharedHold = HeldElsewhere | ReleasedElsewhere;

/** Up to where an instance and the server agree of a credential. */
export interface SharedNote {
  /** Version of the record here that stands for it; a record with a higher one is not told yet. */
  readonly recordVersion: number;
  /** What the server calls it; 0: nothing was told. */
  readonly version: number;
  /** Of a release the newest version that whoever released it had heard of; else 0. */
  readonly seen: number;
}

/** Notes of credentials, each by its name. */
export type SharedNotes = readonly (readonly [id: string, note: SharedNote])[];

/** What was heard since the look before. */
export interface SharedPage {
  /** Everything that is there, for the connection or the server's data are new. */
  readonly isWhole: boolean;
  readonly entries: readonly SharedHold[];
  /** Entries that could not be read, and are not there for us. */
  readonly malformed: number;
  /** The server's clock, milliseconds since the epoch: versions are times of it, or a little more. */
  readonly nowMs: number;
}

/** What is told of a credential. */
export interface SharedWord {
  readonly record: QuarantineRecord;
  readonly tenant: string | undefined;
  /** What was heard of it last before it was done; 0: nothing. What is told again keeps this version. */
  readonly version: number;
  /** Of a release the newest version that whoever released it had heard of. */
  readonly seen: number;
  /** A change of ours, or told again to a server that knows less. */
  readonly isNew: boolean;
  /** The highest version that was ever heard of. */
  readonly known: number;
}

/**
 * What came of telling. `known`: it is so already, or what is newer is there. `stale`: a release of what has been held anew
 * since, or was never heard of, or an old hold that may have been released; it counts for nothing. `full`: there is no place.
 */
export type SharedAnswer =
  | { readonly kind: 'told' | 'known'; readonly version: number }
  | { readonly kind: 'stale' | 'full' };

/** Where instances share what they hold. Kept by Valkey. */
export interface SharedHolds {
  readonly keyOf: (id: string) => string;
  /** What is new since the look before. @throws SharedHoldsUnavailable */
  look(): Promise<SharedPage>;
  /** After a look. @throws SharedHoldsUnavailable: it may have been heard */
  tell(word: SharedWord): Promise<SharedAnswer>;
  /** What was heard was not worked off: the next look begins anew. */
  again(): void;
  close(): void;
}

/** The server cannot be asked. `message` is a word of its own or the system's that names nobody. */
export class SharedHoldsUnavailable extends Error {
  readonly code = 'shared_holds_unavailable';
}

/** Of a credential of which nothing was told or heard. */
export const NEVER: SharedNote = { recordVersion: 0, version: 0, seen: 0 };

/** Whether something was done here that the server has not been told of. */
export const isUntold = (record: QuarantineRecord | undefined, note: SharedNote): boolean =>
  (record?.version ?? 0) > note.recordVersion;

/**
 * What to do about an entry. `follow`: it is newer than what is here. `agree`: it is what is here. `own`: it is what this
 * process has told without hearing the answer. `repeat`: what is here is newer. `anew`: it is a release of less than what is held
 * here, by a server that had lost that: the hold is told as a new one.
 *
 * The newest counts, by the server's order. Where something was done here in the meantime, a hold of ours is told and is newer; a
 * release of ours lets go what was held when it was asked for, and nothing that has been held since.
 */
export function verdictOn(
  entry: SharedHold,
  record: QuarantineRecord | undefined,
  note: SharedNote,
  ownProcess: string,
): 'follow' | 'agree' | 'own' | 'repeat' | 'anew' | 'nothing' {
  const isOurs = isUntold(record, note);
  if (entry.version < note.version) return isOurs ? 'nothing' : 'repeat';
  if (entry.version === note.version) {
    // Two servers, or one that has lost its data, may have given one version twice: the hold counts.
    if (isOurs || record?.state === entry.state) return 'nothing';
    return entry.state === 'held' ? 'follow' : 'repeat';
  }
  if (entry.process === ownProcess && (record?.version ?? 0) >= entry.recordVersion) return 'own';
  if (!isOurs) {
    return entry.state === 'released' && record?.state === 'held' && note.version > entry.seen ? 'anew' : 'follow';
  }
  if (record?.state === 'held') return 'nothing';
  return entry.state === 'held' ? 'follow' : 'agree';
}
