import type { Path } from './mistake.ts';

/** A rule between options that does not hold. */
export interface Conflict {
  /** The option to change; what stands there is shown beside it. */
  readonly path: Path;
  readonly hint: string;
  /** The other options that the rule reads: where one of them is itself wrong, the rule says nothing. */
  readonly reads: readonly Path[];
}
