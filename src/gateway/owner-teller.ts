import type { Config } from '../config/schema.ts';
import type { ApiKeyRecord, RecordChange } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';
import { openUser } from '../directory/users.ts';
import type { OwnerWord } from '../kernel/export.ts';
import type { Sealer } from '../kernel/sealer.ts';

/** What it works with. */
export interface OwnerTellerDeps {
  readonly config: () => Config;
  readonly directory: Pick<DirectoryState, 'apiKeys' | 'users'>;
  readonly sealer: () => Promise<Sealer>;
  readonly tell: (word: OwnerWord) => void;
  /** The owner cannot be told; `key:` and the id. */
  readonly onProblem: (key: string) => void;
  readonly nowMs: () => number;
}

/** Has the owners of keys that are held told by mail, where the configuration says so. */
export interface OwnerTeller {
  /** Something was written. */
  told(changes: readonly RecordChange[]): void;
}

// A name to sign in with that is a mail address is the one that the directory knows of a person.
const ADDRESS = /^[^\s"(),:;<>@[\\\]\p{Cc}]{1,64}@[^\s"(),:;<>@[\\\]\p{Cc}]{1,180}$/u;

/** The address is opened only then, and goes to the thread that sends it and nowhere else. */
export function createOwnerTeller(deps: OwnerTellerDeps): OwnerTeller {
  const { directory } = deps;

  async function addressOf(key: ApiKeyRecord): Promise<string | undefined> {
    const user = key.owner === undefined ? undefined : directory.users.get(key.owner);
    if (user === undefined || user.state === 'deleted') return undefined;
    const { name } = await openUser(user, await deps.sealer());
    return ADDRESS.test(name) ? name : undefined;
  }

  async function tell(key: ApiKeyRecord): Promise<void> {
    const address = await addressOf(key);
    if (address === undefined) return;
    deps.tell({ timeMs: deps.nowMs(), address, keyId: key.id, keyName: key.name });
  }

  return {
    told(changes) {
      if (!deps.config().alerts.channels.some(({ notifyOwners }) => notifyOwners)) return;
      for (const change of changes) {
        if (change.kind !== 'quarantine' || change.record.state !== 'held') continue;
        const { id } = change.record;
        const key = id.startsWith('key:') ? directory.apiKeys.get(id.slice('key:'.length)) : undefined;
        if (key?.owner !== undefined) tell(key).catch(() => deps.onProblem(id));
      }
    },
  };
}
