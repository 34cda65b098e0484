/** Where a value that is encrypted at rest belongs: it opens in no other place. */
export interface SealedPlace {
  readonly tenant: string;
  /** What kind of value it is, such as `user` or `artifact`: each has a data key of its own. */
  readonly purpose: string;
  /** Id of the row that it stands in. */
  readonly row: string;
}

/** Encrypts what is kept: AES-256-GCM under a data key of the tenant and purpose, which the root key wraps. */
export interface Sealer {
  seal(place: SealedPlace, plain: string): Promise<string>;
  /** @throws Error where it was sealed for another place, under another root key, or was changed since */
  open(place: SealedPlace, sealed: string): Promise<string>;
}
