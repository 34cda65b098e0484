import type { Priority } from './fair-queue.ts';

/** Where a request waits while no upstream has a place for it. */
export interface Line {
  /**
   * Waits for a place at any of the upstreams. Unless it leaves, it is granted or refused later, once, never at once.
   *
   * @returns leaves; call it at any time
   */
  wait(asked: Asked, told: Told): () => void;
}

/** How who waits is told what came of it. */
export interface Told {
  /** The place is taken, and the request's to give back. */
  granted(index: number): void;
  refused(retryAfterMs: number): void;
  /** What one of the two threw, where nobody else could catch it. */
  failed(error: unknown): void;
}

/** Who waits for what. */
export interface Asked {
  /** Indexes in the configuration, at least one. */
  readonly upstreams: readonly number[];
  readonly tenant: string;
  readonly priority: Priority;
}
