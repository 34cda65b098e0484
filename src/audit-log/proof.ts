import { nodeHash, type Hash } from './tree.ts';

/** Root over the records from `from` to before `to` alone. */
export type Subtree = (from: number, to: number) => Hash;

/** The largest power of two below `size`, which is >= 2: where a tree parts (RFC 6962 §2.1). */
function partOf(size: number): number {
  let part = 1;
  while (part * 2 < size) part *= 2;
  return part;
}

/**
 * The hashes that lead from a record to the root, from the leaf's sibling up (RFC 6962 §2.1.1).
 *
 * @throws RangeError unless 0 <= index < size
 */
export function inclusionProof(subtree: Subtree, index: number, size: number): Hash[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`record ${index} is not in a tree of ${size}`);
  const proof: Hash[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + partOf(to - from);
    if (index < middle) {
      proof.unshift(subtree(middle, to));
      to = middle;
    } else {
      proof.unshift(subtree(from, middle));
      from = middle;
    }
  }
  return proof;
}

/**
 * The hashes that show a tree to be the beginning of a larger one (RFC 6962 §2.1.2).
 *
 * @throws RangeError unless 0 < oldSize <= size
 */
export function consistencyProof(subtree: Subtree, oldSize: number, size: number): Hash[] {
  if (!(oldSize > 0 && oldSize <= size)) throw new RangeError(`a tree of ${oldSize} is no beginning of one of ${size}`);
  const proof: Hash[] = [];
  let [from, to] = [0, size];
  let isWhole = true; // the old tree has all of its own left side: its root is known to whoever checks
  while (oldSize < to) {
    const middle = from + partOf(to - from);
    if (oldSize <= middle) {
      proof.unshift(subtree(middle, to));
      to = middle;
    } else {
      proof.unshift(subtree(from, middle));
      from = middle;
      isWhole = false;
    }
  }
  return isWhole ? proof : [subtree(from, to), ...proof];
}

/** Whether the proof leads from the record's hash to the root (RFC 9162 §2.1.3.2). */
export function provesInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  if (!(index >= 0 && index < size)) return false;
  let [at, last] = [index, size - 1];
  let reached = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      reached = nodeHash(sibling, reached);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      reached = nodeHash(reached, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && reached === root;
}

/** A tree's size and root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

/** Whether the proof shows `old` to be the beginning of `now` (RFC 9162 §2.1.4.2). */
export function provesConsistency(old: TreeHead, now: TreeHead, proof: readonly Hash[]): boolean {
  if (!(old.size > 0 && old.size <= now.size)) return false;
  if (old.size === now.size) return proof.length === 0 && old.root === now.root;
  const [first, ...rest] = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let [at, last] = [old.size - 1, now.size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [before, after] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [before, after] = [nodeHash(sibling, before), nodeHash(sibling, after)];
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      after = nodeHash(after, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && before === old.root && after === now.root;
}

const half = (value: number): number => Math.floor(value / 2);

function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}
