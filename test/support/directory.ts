import { createDirectoryState, type DirectoryState } from '../../src/directory/state.ts';
import type { Directory } from '../../src/directory/store.ts';

const EMPTY: Directory = {
  ...{ tenants: [], apiKeys: [], clients: [], users: [], roles: [], groups: [], policies: [] },
  ...{ revocations: [], quarantines: [], silences: [] },
  ...{ lastUses: [], tokenUses: [], permissionUses: [], bans: [], sharedNotes: [] },
};

/** A directory in memory that has these records and no others. */
export const directoryWith = (records: Partial<Directory>): DirectoryState =>
  createDirectoryState({ ...EMPTY, ...records });
