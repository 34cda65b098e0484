/** Draws that a seed decides, all of them: the same seed makes the same request. */
export interface Dice {
  /** A whole number from `min` to `max`, both inclusive. */
  readonly int: (min: number, max: number) => number;
  /** True in `share` of all draws. */
  readonly chance: (share: number) => boolean;
  /** One of the list, which is not empty. */
  readonly pick: <T>(list: readonly T[]) => T;
}

/** Dice of a seed (mulberry32): a structural generator of fast-check costs ten times as much for one body. */
export function createDice(seed: number): Dice {
  let state = seed | 0;
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    int,
    chance: (share) => next() < share,
    pick: (list) => {
      if (list.length === 0) throw new RangeError('nothing to pick from');
      return list[int(0, list.length - 1)] as (typeof list)[number]; // it is not empty
    },
  };
}
