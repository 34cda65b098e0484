import type { TokenUse } from '../../directory/token-uses.ts';
import type { SharedNotes } from '../../directory/shared-holds.ts';
import type { JournalStore } from '../../limits/journal.ts';
import type { LedgerStore } from '../../limits/ledger.ts';
import type { ArtifactStore } from '../../oauth/artifacts.ts';
import type { BanRecord, LastUse, PermissionUse, RecordChange } from '../../directory/records.ts';

/** What the store thread starts with. */
export interface StoreStart {
  readonly databasePath: string;
  readonly lockPath: string;
  /** How long another holder of the lock is waited for. */
  readonly lockWaitMs: number;
}

/** From the control plane to the store. */
export type ToStore = { readonly id: number } & (
  | { readonly kind: 'read-all' }
  | { readonly kind: 'write'; readonly changes: readonly RecordChange[]; readonly notes: SharedNotes }
  | { readonly kind: 'last-uses'; readonly uses: readonly LastUse[] }
  | { readonly kind: 'token-uses'; readonly uses: readonly TokenUse[] }
  | { readonly kind: 'permission-uses'; readonly uses: readonly PermissionUse[] }
  | { readonly kind: 'bans'; readonly bans: readonly BanRecord[]; readonly forgetBeforeMs: number }
  | { readonly kind: 'artifacts'; readonly call: ArtifactCall }
  | { readonly kind: 'ledger'; readonly call: LedgerCall }
  | { readonly kind: 'journal'; readonly call: JournalCall }
  | { readonly kind: 'close' }
);

/** A call of the port `ArtifactStore`: its name and arguments. */
export type ArtifactCall = {
  [Name in keyof ArtifactStore]: { readonly name: Name; readonly args: Parameters<ArtifactStore[Name]> };
}[keyof ArtifactStore];

/** A call of the port `LedgerStore`. */
export type LedgerCall = {
  [Name in keyof LedgerStore]: { readonly name: Name; readonly args: Parameters<LedgerStore[Name]> };
}[keyof LedgerStore];

/** A call of the port `JournalStore`. */
export type JournalCall = {
  [Name in keyof JournalStore]: { readonly name: Name; readonly args: Parameters<JournalStore[Name]> };
}[keyof JournalStore];

/** From the store to the control plane. */
export type FromStore =
  | { readonly kind: 'open' }
  | { readonly kind: 'locked' }
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string };
