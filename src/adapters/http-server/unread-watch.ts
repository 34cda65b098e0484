/** What a peer owes who answers it. */
export interface ReadLimits {
  /** How long it may take nothing of what waits for it; also the window over which its rate is judged. */
  readonly writeMs: number;
  /** Fewest bytes a second that it takes, as long as something waits for it. */
  readonly minBodyRate: number;
}

/**
 * Watches whether a peer takes what waits for it: what it leaves, it makes others keep in memory, and a byte now and then
 * would make them keep it for ever. A peer for which nothing waits owes nothing, however long that is so.
 */
export class UnreadWatch {
  private isWaiting = false;
  private taken = 0;
  private takenAtMs = 0;
  private windowTaken = 0;
  private windowFromMs = 0;

  /**
   * Takes one look at a connection.
   *
   * @param isWaiting something that it was sent waits for the peer
   * @param taken bytes that have left for it since the connection began
   * @returns whether it is too slow by now
   */
  look(nowMs: number, isWaiting: boolean, taken: number, { writeMs, minBodyRate }: ReadLimits): boolean {
    const hasBegun = isWaiting && !this.isWaiting;
    this.isWaiting = isWaiting;
    if (!isWaiting) return false;
    if (hasBegun || taken !== this.taken) {
      this.taken = taken;
      this.takenAtMs = nowMs;
    }
    if (hasBegun) this.beginWindow(nowMs);
    if (nowMs - this.takenAtMs >= writeMs) return true;
    const windowMs = nowMs - this.windowFromMs;
    if (windowMs < writeMs) return false;
    const isTooSlow = taken - this.windowTaken < (minBodyRate * windowMs) / 1000;
    this.beginWindow(nowMs);
    return isTooSlow;
  }

  private beginWindow(nowMs: number): void {
    this.windowFromMs = nowMs;
    this.windowTaken = this.taken;
  }
}
