/** Remembers what may be used once only, for all threads together. Kept by shared memory, later by Valkey. */
export interface ReplaySet {
  /**
   * Notes an id until then, in milliseconds since the epoch. False where it was noted before, or where there is no room
   * to note it: what cannot be remembered must not be accepted.
   */
  add(id: string, untilMs: number, nowMs: number): boolean;
}
