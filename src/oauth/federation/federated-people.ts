import { digestOf, isSameDigest } from '../../directory/api-key.ts';
import type { RecordChange, UserRecord } from '../../directory/records.ts';
import type { DirectoryState } from '../../directory/state.ts';
import { VersionConflict } from '../../directory/store.ts';
import { newUserId, sealUser, userChanges, NOBODY } from '../../directory/users.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Sealer } from '../../kernel/sealer.ts';

/** People who sign in at the company's provider, as records of ours. */
export interface FederatedPeople {
  /**
   * The person of an issuer's subject, with exactly these groups; made where there is none yet. Undefined where they were
   * disabled or deleted here.
   */
  admit(person: {
    readonly subject: string;
    readonly name: string;
    readonly groups: readonly string[];
  }): Promise<string | undefined>;
  /** Takes all groups from somebody who has none at the provider any more, and with them what came of those. */
  strip(subject: string): Promise<void>;
}

/** What they are kept with. */
export interface FederatedPeopleDeps {
  readonly directory: DirectoryState;
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  readonly sealer: Sealer;
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Clock;
  readonly endAccess: (userId: string) => Promise<void>;
}

const TENANT = 'default';
const TRIES = 5;

/** People of one issuer. A subject is compared as it stands: upper and lower case may be two people. */
export function createFederatedPeople(deps: FederatedPeopleDeps, issuer: string): FederatedPeople {
  const { directory, commit, clock } = deps;
  /** Who is being made: of two first sign-ins at once one makes the person. */
  const making = new Map<string, Promise<unknown>>();

  const digestFor = (subject: string): Uint8Array =>
    digestOf(`federated user ${JSON.stringify([issuer, subject])}`, deps.hmacKey);

  /** Deleted ones are found, too: else their next sign-in would make them anew. */
  const find = (subject: string): UserRecord | undefined => {
    const digest = digestFor(subject);
    return directory.users.values().find(({ nameDigest }) => isSameDigest(nameDigest, digest));
  };

  async function make(subject: string, name: string, groups: readonly string[]): Promise<void> {
    const id = newUserId(deps.randomBytes);
    // In the name stands where it comes from: a provider must not make somebody look like a local person of that name.
    const secrets = { ...NOBODY, name: `${name} (${new URL(issuer).host})`, federated: { issuer, subject } };
    const record: UserRecord = {
      id,
      nameDigest: digestFor(subject),
      tenant: TENANT,
      // All that they may do comes from their groups.
      scopes: [],
      models: [],
      groups,
      sealed: await sealUser({ id, tenant: TENANT }, secrets, deps.sealer),
      createdAtMs: clock.nowMs(),
      lastSignInAtMs: undefined,
      state: 'active',
      version: 1,
    };
    await commit([{ kind: 'user', record, expectedVersion: 0 }]);
  }

  async function setGroups(subject: string, groups: readonly string[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const user = find(subject);
      if (user === undefined || user.state !== 'active' || isSame(user.groups, groups)) return;
      const record = { ...user, groups, version: user.version + 1 };
      // What was given by a group that is gone must not outlive it.
      const endsTokens = user.groups.some((group) => !groups.includes(group));
      try {
        await commit(userChanges(directory, record, user.version, clock.nowMs(), endsTokens));
        return groups.length === 0 ? await deps.endAccess(user.id) : undefined;
      } catch (error) {
        if (!(error instanceof VersionConflict) || tries === TRIES) throw error;
      }
    }
  }

  return {
    async admit({ subject, name, groups }) {
      for (let other = making.get(subject); other !== undefined; other = making.get(subject)) {
        await other.catch(() => undefined);
      }
      if (find(subject) === undefined) {
        const made = make(subject, name, groups).finally(() => making.delete(subject));
        making.set(subject, made);
        await made;
      } else await setGroups(subject, groups);
      const user = find(subject);
      const isOpen = user?.state === 'active' && directory.tenants.get(user.tenant)?.isDisabled === false;
      return isOpen ? user.id : undefined;
    },
    strip: (subject) => setGroups(subject, []),
  };
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);
