/** A started timer. */
export interface Timer {
  /** Stops it; calling it again does nothing. */
  cancel(): void;
  /** Starts its whole time anew, cheaply enough to be done for each chunk. */
  refresh(): void;
}

/** Time as the product sees it, so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch (integer). */
  nowMs(): number;
  /** Milliseconds from an arbitrary start that never go back, the same on all threads; with a fraction. */
  monotonicMs(): number;
  /** Calls `run` once after `ms` milliseconds unless cancelled. Does not keep the process alive. */
  after(ms: number, run: () => void): Timer;
}

/** When this thread began, on the machine's monotonic clock. */
const THREAD_STARTED_MS = Number(process.hrtime.bigint()) / 1_000_000 - performance.now();

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // Of the machine, while `performance.now` begins with its thread.
  monotonicMs: () => THREAD_STARTED_MS + performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return {
      cancel: () => clearTimeout(timer),
      refresh: () => void timer.refresh(),
    };
  },
};
