import type { Strength } from '../strength.ts';

/** Who has signed in, and how. */
export interface SignedIn {
  readonly userId: string;
  readonly strength: Strength;
  /** When, in seconds since the epoch; left out: now. */
  readonly authenticatedAtS?: number | undefined;
}
