import { digestOf } from '../directory/api-key.ts';
import { base62 } from '../directory/api-key.ts';
import type { PasswordHasher } from '../directory/password.ts';
import type { RecordChange, UserRecord } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';
import { VersionConflict } from '../directory/store.ts';
import { TOTP_SEED_BYTES, totpStepOf } from '../directory/totp.ts';
import {
  findUser,
  hasSecondFactor,
  invitationDigestOf,
  openUser,
  sealUser,
  userChanges,
  type Passkey,
  type UserSecrets,
} from '../directory/users.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Sealer } from '../kernel/sealer.ts';

/** What accounts work with. */
export interface AccountsDeps {
  readonly directory: DirectoryState;
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  readonly sealer: Sealer;
  readonly hasher: PasswordHasher;
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Clock;
}

/** The people who sign in, as the pages need them. */
export interface Accounts {
  /** The person with this name and password; undefined also where they may not sign in. @throws HashingBusy */
  checkPassword(name: string, password: string): Promise<UserRecord | undefined>;
  /** Id of whoever has that name, whether they may sign in or not; undefined of nobody's. */
  idOf(name: string): string | undefined;
  /** Opens what is kept of a person who may sign in; undefined of all others. */
  open(id: string): Promise<{ readonly user: UserRecord; readonly secrets: UserSecrets } | undefined>;
  /** Uses up a code of the second factor, or a recovery code; true for one of all who send it at once. */
  useCode(id: string, code: string): Promise<boolean>;
  noteSignIn(id: string): Promise<void>;
  /** Starts to set up a second factor: the new seed, 20 bytes. */
  newSeed(id: string): Promise<Uint8Array | undefined>;
  /** Turns the second factor on by its first code; the recovery codes, which are shown once. */
  confirmSeed(id: string, code: string): Promise<readonly string[] | undefined>;
  /** Sets a password. All that the person is signed in with ends with it. @throws HashingBusy */
  setPassword(id: string, password: string): Promise<boolean>;
  /** Keeps a new passkey; recovery codes, shown once, where a password now needs a second factor and none are left. */
  addPasskey(id: string, passkey: Passkey): Promise<readonly string[] | undefined>;
  /** Notes that a passkey was used; `backwards` where it was used more often before than it says now: it was copied. */
  usePasskey(id: string, passkeyId: string, counter: number): Promise<'used' | 'backwards' | 'gone'>;
  /** Removes a passkey, unless nothing else signs the person in. All that they are signed in with ends. */
  removePasskey(id: string, passkeyId: string): Promise<boolean>;
  /** Whoever an invitation that is open was made for. */
  invited(id: string, text: string): Promise<UserSecrets | undefined>;
  /** Takes an invitation up; true for one of all who try. @throws HashingBusy */
  takeUp(id: string, text: string, password: string): Promise<boolean>;
  /** The same with a passkey in place of a password; not where there is a second factor, which it would go around. */
  takeUpWith(id: string, text: string, passkey: Passkey): Promise<boolean>;
}

const RECOVERY_CODES = 10;
/** Of one person. */
export const MAX_PASSKEYS = 16;
/** 95 bits. */
const RECOVERY_LENGTH = 16;

/** Accounts over the directory. */
export function createAccounts(deps: AccountsDeps): Accounts {
  const { directory, sealer, hasher, hmacKey, clock } = deps;

  const mayUse = (user: UserRecord | undefined): user is UserRecord =>
    user?.state === 'active' && directory.tenants.get(user.tenant)?.isDisabled === false;

  const recoveryDigest = (code: string): string =>
    digestOf(`recovery code ${code.replace(/[^0-9A-Za-z]/g, '')}`, hmacKey).toString('base64url');

  /** Changes what is kept of a person. False where the change does not hold, or another one came first: codes work once. */
  async function edit(
    id: string,
    change: (secrets: UserSecrets) => UserSecrets | undefined,
    more: (user: UserRecord) => Partial<UserRecord> = () => ({}),
    endsTokens = false,
  ): Promise<boolean> {
    const user = directory.users.get(id);
    if (user === undefined || user.state === 'deleted' || user.state === 'disabled') return false;
    const secrets = change(await openUser(user, sealer));
    if (secrets === undefined) return false;
    const sealed = await sealUser(user, secrets, sealer);
    const record = { ...user, sealed, ...more(user), version: user.version + 1 };
    try {
      await deps.commit(userChanges(directory, record, user.version, clock.nowMs(), endsTokens));
      return true;
    } catch (error) {
      if (error instanceof VersionConflict) return false;
      throw error;
    }
  }

  const newRecoveryCodes = () => {
    const codes = Array.from({ length: RECOVERY_CODES }, () => base62(RECOVERY_LENGTH, deps.randomBytes));
    return {
      digests: codes.map(recoveryDigest),
      texts: codes.map((one) => one.match(/.{4}/g)?.join('-') ?? one),
    };
  };

  const isOpen = ({ invitation }: UserSecrets, text: string): boolean =>
    invitation !== undefined &&
    clock.nowMs() < invitation.untilMs &&
    invitation.digest === invitationDigestOf(text, hmacKey);

  return {
    async checkPassword(name, password) {
      const user = findUser(directory, name, hmacKey);
      const secrets = mayUse(user) ? await openUser(user, sealer) : undefined;
      return (await hasher.verify(password, secrets?.passwordHash)) ? user : undefined;
    },
    idOf: (name) => findUser(directory, name, hmacKey)?.id,
    async open(id) {
      const user = directory.users.get(id);
      return mayUse(user) ? { user, secrets: await openUser(user, sealer) } : undefined;
    },
    useCode: (id, code) =>
      edit(id, (secrets) => {
        const { totp, recoveryCodes } = secrets;
        if (!hasSecondFactor(secrets)) return undefined;
        if (totp?.isConfirmed === true) {
          const seed = Buffer.from(totp.seed, 'base64');
          const step = totpStepOf(code.replace(/\s/g, ''), seed, totp.lastStep, clock.nowMs());
          if (step !== undefined) return { ...secrets, totp: { ...totp, lastStep: step } };
        }
        const digest = recoveryDigest(code);
        if (!recoveryCodes.includes(digest)) return undefined;
        return { ...secrets, recoveryCodes: recoveryCodes.filter((one) => one !== digest) };
      }),
    async noteSignIn(id) {
      const user = directory.users.get(id);
      if (user === undefined) return;
      const record = { ...user, lastSignInAtMs: clock.nowMs(), version: user.version + 1 };
      await deps
        .commit([{ kind: 'user', record, expectedVersion: user.version }])
        // Of two sign-ins at once one is the last.
        .catch((error: unknown) => {
          if (!(error instanceof VersionConflict)) throw error;
        });
    },
    async newSeed(id) {
      const seed = deps.randomBytes(TOTP_SEED_BYTES);
      const totp = { seed: Buffer.from(seed).toString('base64'), lastStep: undefined, isConfirmed: false };
      const isKept = await edit(id, (secrets) =>
        secrets.totp?.isConfirmed === true ? undefined : { ...secrets, totp },
      );
      return isKept ? seed : undefined;
    },
    async confirmSeed(id, code) {
      const codes = newRecoveryCodes();
      const isOn = await edit(id, (secrets) => {
        const { totp } = secrets;
        if (totp === undefined || totp.isConfirmed) return undefined;
        const step = totpStepOf(code.replace(/\s/g, ''), Buffer.from(totp.seed, 'base64'), undefined, clock.nowMs());
        if (step === undefined) return undefined;
        return {
          ...secrets,
          totp: { ...totp, lastStep: step, isConfirmed: true },
          recoveryCodes: codes.digests,
        };
      });
      return isOn ? codes.texts : undefined;
    },
    async setPassword(id, password) {
      const passwordHash = await hasher.hash(password);
      return edit(id, (secrets) => ({ ...secrets, passwordHash, invitation: undefined }), undefined, true);
    },
    async addPasskey(id, passkey) {
      const codes = newRecoveryCodes();
      let given: readonly string[] = [];
      const isKept = await edit(id, (secrets) => {
        const { passkeys } = secrets;
        if (passkeys.length >= MAX_PASSKEYS || passkeys.some((one) => one.id === passkey.id)) return undefined;
        const needsCodes = secrets.passwordHash !== undefined && secrets.recoveryCodes.length === 0;
        if (needsCodes) given = codes.texts;
        return {
          ...secrets,
          passkeys: [...passkeys, passkey],
          ...(needsCodes ? { recoveryCodes: codes.digests } : {}),
        };
      });
      return isKept ? given : undefined;
    },
    async usePasskey(id, passkeyId, counter) {
      let isBackwards = false;
      const isUsed = await edit(id, (secrets) => {
        const passkey = secrets.passkeys.find((one) => one.id === passkeyId);
        if (passkey === undefined) return undefined;
        // WebAuthn §6.1.1: one that counts always counts on. Both zero: it does not count.
        isBackwards = (counter > 0 || passkey.counter > 0) && counter <= passkey.counter;
        if (isBackwards) return undefined;
        const used = { ...passkey, counter, lastUsedAtMs: clock.nowMs() };
        return { ...secrets, passkeys: secrets.passkeys.map((one) => (one === passkey ? used : one)) };
      });
      if (isBackwards) return 'backwards';
      return isUsed ? 'used' : 'gone';
    },
    removePasskey: (id, passkeyId) =>
      edit(
        id,
        (secrets) => {
          const passkeys = secrets.passkeys.filter((one) => one.id !== passkeyId);
          if (passkeys.length === secrets.passkeys.length) return undefined;
          if (passkeys.length === 0 && secrets.passwordHash === undefined) return undefined;
          const left = { ...secrets, passkeys };
          // Codes that stand in for nothing would stand in for the next second factor, which nobody has shown them for.
          return hasSecondFactor(left) ? left : { ...left, recoveryCodes: [] };
        },
        undefined,
        true,
      ),
    async invited(id, text) {
      const user = directory.users.get(id);
      if (user === undefined || user.state === 'deleted' || user.state === 'disabled') return undefined;
      const secrets = await openUser(user, sealer);
      return isOpen(secrets, text) ? secrets : undefined;
    },
    async takeUp(id, text, password) {
      const passwordHash = await hasher.hash(password);
      return edit(
        id,
        (secrets) => (isOpen(secrets, text) ? { ...secrets, passwordHash, invitation: undefined } : undefined),
        () => ({ state: 'active' }),
        // Whoever has never signed in has no tokens to end.
        directory.users.get(id)?.state === 'active',
      );
    },
    takeUpWith: (id, text, passkey) =>
      edit(
        id,
        (secrets) =>
          isOpen(secrets, text) && !hasSecondFactor(secrets)
            ? { ...secrets, passwordHash: undefined, passkeys: [passkey], invitation: undefined }
            : undefined,
        () => ({ state: 'active' }),
        directory.users.get(id)?.state === 'active',
      ),
  };
}
