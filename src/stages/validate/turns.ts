/** Lets heavy work run one piece a turn of the loop, in the order of asking. */
export interface Turns {
  /** Resolves when it is the caller's turn; its work is to be done before the next await. */
  take(): Promise<void>;
}

/**
 * Turns of this thread. Bodies that end in the same moment would otherwise be judged one after the other without a
 * pause: other callers' streams would stand still, and so would the heartbeat by which a stuck thread is known.
 */
export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let isScheduled = false;

  function next(): void {
    waiting.shift()?.();
    isScheduled = waiting.length > 0;
    if (isScheduled) setImmediate(next);
  }

  return {
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (isScheduled) return;
        isScheduled = true;
        setImmediate(next);
      }),
  };
}
