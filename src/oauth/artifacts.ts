/** What the authorization server has to remember: codes, refresh tokens, grants, sessions, signing keys. */
export interface Artifact {
  /** Which kind of thing it is, such as `RefreshToken`. */
  readonly kind: string;
  /** Keyed hash of its value: whoever reads the store holds nothing that could be sent. */
  readonly id: string;
  /** Encrypted. */
  readonly payload: string;
  /** Hash of the grant that it came from. */
  readonly grantId: string | undefined;
  /** Hashes of other values by which it is found. */
  readonly uid: string | undefined;
  readonly userCode: string | undefined;
  /** Whose it is, for lists and revocation. */
  readonly account: string | undefined;
  readonly client: string | undefined;
  /** Milliseconds since the epoch, like all times here. */
  readonly createdAtMs: number;
  readonly consumedAtMs: number | undefined;
  readonly expiresAtMs: number | undefined;
}

/** An artifact of the gateway itself: of no grant, person or client, and found by its id alone. */
export const ownArtifact = (
  own: Pick<Artifact, 'kind' | 'id' | 'payload' | 'createdAtMs' | 'expiresAtMs'>,
): Artifact => ({
  ...own,
  grantId: undefined,
  uid: undefined,
  userCode: undefined,
  account: undefined,
  client: undefined,
  consumedAtMs: undefined,
});

/** Keeps artifacts. Kept by SQLite, later by PostgreSQL, both against `test/contracts/artifact-store.ts`. */
export interface ArtifactStore {
  /**
   * Writes one, in place of what was there; keeps that it was consumed. A session that was ended is not written: a request
   * that was under way meanwhile would bring it back. @throws StoreUnavailable, like all others
   */
  put(artifact: Artifact): Promise<void>;
  /** Writes several like `put`, all or none, in one durable step. */
  putAll(artifacts: readonly Artifact[]): Promise<void>;
  /** Writes one that must not be there yet; false where it is. */
  putNew(artifact: Artifact): Promise<boolean>;
  find(kind: string, id: string): Promise<Artifact | undefined>;
  findBy(kind: string, column: 'uid' | 'userCode', value: string): Promise<Artifact | undefined>;
  /** Marks one as used; true for exactly one of all who ask, however many at once, and false where it is gone. */
  consume(kind: string, id: string, nowMs: number): Promise<boolean>;
  remove(kind: string, id: string): Promise<void>;
  /** Removes all that came from a grant. */
  removeGrant(grantId: string): Promise<void>;
  /** Ends a session for good, by the hash of its uid, which it keeps whenever its id changes. */
  endSession(uid: string): Promise<void>;
  /** Removes all that belongs to a person: sessions, for good, grants, codes, tokens and sign-ins that are under way. */
  removeAccount(account: string): Promise<void>;
  /** All of a kind that have not expired. */
  list(kind: string, nowMs: number): Promise<readonly Artifact[]>;
  /** Removes what has expired. */
  sweep(nowMs: number): Promise<void>;
}
