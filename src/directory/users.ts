import { base62, digestOf, isSameDigest } from './api-key.ts';
import type { RecordChange, UserRecord } from './records.ts';
import { markOf, OWN_ISSUER } from './revocations.ts';
import type { DirectoryState } from './state.ts';
import type { SealedPlace, Sealer } from '../kernel/sealer.ts';

/** A passkey (WebAuthn credential) of a person. */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE key (RFC 9052 §7), base64url. */
  readonly publicKey: string;
  /** How often it was used, as it says itself; 0 for ever where it does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** It may be on several devices of its person, copied by whoever made them. */
  readonly isSynced: boolean;
  /** What the person calls it. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | undefined;
}

/** What of a person is kept encrypted only. */
export interface UserSecrets {
  /** Login name as it was given. */
  readonly name: string;
  /** PHC string of the password; undefined until an invitation was taken up, and of whoever signs in without one. */
  readonly passwordHash: string | undefined;
  /** The second factor; not asked for until its first code was right. */
  readonly totp:
    | { readonly seed: string; readonly lastStep: number | undefined; readonly isConfirmed: boolean }
    | undefined;
  readonly passkeys: readonly Passkey[];
  /** Where the person signs in, and as whom; undefined of those who sign in here. They have no password and no passkey. */
  readonly federated: { readonly issuer: string; readonly subject: string } | undefined;
  /** Digests of the recovery codes that were not used yet. */
  readonly recoveryCodes: readonly string[];
  /** Digest of the invitation that is open. */
  readonly invitation: { readonly digest: string; readonly untilMs: number } | undefined;
}

/** What is kept of somebody of whom nothing is known. */
export const NOBODY: UserSecrets = {
  name: '',
  passwordHash: undefined,
  totp: undefined,
  passkeys: [],
  federated: undefined,
  recoveryCodes: [],
  invitation: undefined,
};

/** How long an invitation can be taken up. */
export const INVITATION_MS = 24 * 3_600_000;

const ID_LENGTH = 16;
const INVITATION_LENGTH = 43;

/** Where the secrets of a person are sealed. */
export const userPlace = (id: string, tenant: string): SealedPlace => ({ tenant, purpose: 'user', row: id });

/** A new id: it tells nothing of the person, and no client's looks like it (RFC 9700 §4.15). */
export const newUserId = (randomBytes: (count: number) => Uint8Array): string => `u_${base62(ID_LENGTH, randomBytes)}`;

/** By what a login name is found; upper and lower case are one. */
export const nameDigestOf = (name: string, hmacKey: Uint8Array): Uint8Array =>
  digestOf(`user name ${name.normalize('NFKC').toLowerCase()}`, hmacKey);

/** The person with a login name who is not deleted. */
export function findUser(
  { users }: Pick<DirectoryState, 'users'>,
  name: string,
  hmacKey: Uint8Array,
): UserRecord | undefined {
  const digest = nameDigestOf(name, hmacKey);
  return users.values().find(({ state, nameDigest }) => state !== 'deleted' && isSameDigest(nameDigest, digest));
}

/** Opens what is kept of a person. */
export async function openUser({ id, tenant, sealed }: UserRecord, sealer: Sealer): Promise<UserSecrets> {
  const { name, passwordHash, totp, passkeys, federated, recoveryCodes, invitation } = JSON.parse(
    await sealer.open(userPlace(id, tenant), sealed),
  ) as Partial<UserSecrets>;
  return {
    name: name ?? '',
    passwordHash,
    totp,
    passkeys: passkeys ?? [],
    federated,
    recoveryCodes: recoveryCodes ?? [],
    invitation,
  };
}

/** Whether a password alone does not sign a person in. */
export const hasSecondFactor = ({ totp, passkeys }: UserSecrets): boolean =>
  totp?.isConfirmed === true || passkeys.length > 0;

/** Seals what is kept of a person. */
export const sealUser = ({ id, tenant }: Pick<UserRecord, 'id' | 'tenant'>, secrets: UserSecrets, sealer: Sealer) =>
  sealer.seal(userPlace(id, tenant), JSON.stringify(secrets));

/** A one-time invitation: its text is in the link alone, its digest is kept. */
export function newInvitation(
  randomBytes: (count: number) => Uint8Array,
  hmacKey: Uint8Array,
  nowMs: number,
): { readonly text: string; readonly kept: UserSecrets['invitation'] } {
  const text = base62(INVITATION_LENGTH, randomBytes);
  return { text, kept: { digest: invitationDigestOf(text, hmacKey), untilMs: nowMs + INVITATION_MS } };
}

/** What is kept of an invitation. */
export const invitationDigestOf = (text: string, hmacKey: Uint8Array): string =>
  digestOf(`invitation ${text}`, hmacKey).toString('base64url');

/** The path of the page on which an invitation is taken up; in its query, which is written to no log. */
export const invitationPath = (userId: string, text: string): string =>
  `/account/invitation?${new URLSearchParams({ user: userId, invitation: text }).toString()}`;

/** The changes that write a person; whoever may not sign in any more loses all tokens in the same moment. */
export function userChanges(
  { revocations }: Pick<DirectoryState, 'revocations'>,
  record: UserRecord,
  expectedVersion: number,
  nowMs: number,
  endsTokens = record.state === 'disabled' || record.state === 'deleted',
): RecordChange[] {
  const own: RecordChange = { kind: 'user', record, expectedVersion };
  if (!endsTokens) return [own];
  const id = markOf('subject', OWN_ISSUER, record.id);
  const version = (revocations.get(id)?.version ?? 0) + 1;
  const revocation = { id, atMs: nowMs, isExact: true, untilMs: undefined, version };
  return [own, { kind: 'revocation', record: revocation, expectedVersion: version - 1 }];
}
