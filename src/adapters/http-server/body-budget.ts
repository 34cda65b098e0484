/** The memory that bodies may take together, over all threads. */
export interface BodyBudget {
  /** Takes bytes; false where they would go beyond the limit. */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

/** Sets the shared cells aside: one word for all, one for each thread. */
export function createBodyMemory(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer((rows + 1) * 8);
}

/**
 * A budget over shared memory.
 *
 * @param maxBytes tells the limit of all threads together as it is now
 * @param row index of this thread
 */
export function createBodyBudget(memory: SharedArrayBuffer, maxBytes: () => number, row: number): BodyBudget {
  const cells = new BigInt64Array(memory);
  return {
    take(bytes) {
      const amount = BigInt(bytes);
      if (Atomics.add(cells, 0, amount) + amount > BigInt(maxBytes())) {
        Atomics.sub(cells, 0, amount);
        return false;
      }
      Atomics.add(cells, row + 1, amount);
      return true;
    },
    giveBack(bytes) {
      const amount = BigInt(bytes);
      Atomics.sub(cells, row + 1, amount);
      Atomics.sub(cells, 0, amount);
    },
  };
}

/** Gives back what a thread that died had taken. */
export function reclaimBodyBudget(memory: SharedArrayBuffer, row: number): void {
  const cells = new BigInt64Array(memory);
  Atomics.sub(cells, 0, Atomics.exchange(cells, row + 1, 0n));
}
