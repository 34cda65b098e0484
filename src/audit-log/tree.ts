import { hash } from 'node:crypto';

/**
 * A SHA-256 hash as a text of 32 characters, one for each byte (latin1). As texts, hashes are made and copied in half the
 * time that buffers need, and there are two for each record.
 */
export type Hash = string;

/** Bytes of a hash. */
export const HASH_BYTES = 32;

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

/** Hash of the tree without a record (RFC 6962 §2.1). */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'binary');

/** Hash of a record, as a leaf (RFC 6962 §2.1). */
export function leafHash(record: Uint8Array): Hash {
  const bytes = new Uint8Array(record.length + 1);
  bytes.set(record, 1);
  return hash('sha256', bytes, 'binary');
}

/**
 * The same for a record that lies in a larger buffer with a byte before it: nothing is copied. That byte is lost.
 *
 * @param start where the record begins, >= 1
 */
export function leafHashIn(bytes: Uint8Array, start: number, end: number): Hash {
  bytes[start - 1] = LEAF_PREFIX; // else a node could be shown as a record (RFC 6962 §2.1: second preimages)
  return hash('sha256', bytes.subarray(start - 1, end), 'binary');
}

const node = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** Hash of two subtrees (RFC 6962 §2.1). */
export function nodeHash(left: Hash, right: Hash): Hash {
  node.write(left, 1, HASH_BYTES, 'latin1');
  node.write(right, 1 + HASH_BYTES, HASH_BYTES, 'latin1');
  return hash('sha256', node, 'binary');
}

/** A hash tree that grows; it keeps one hash for each complete subtree, so O(log size) of them. */
export interface Tree {
  /** Records in it. */
  readonly size: number;
  /** Adds the hash of the next record. */
  push(leaf: Hash): void;
  /** Root over all records (RFC 6962 §2.1, MTH). */
  root(): Hash;
  /** Hashes of the complete subtrees, the largest first: all that is needed to go on from here. */
  frontier(): readonly Hash[];
}

/**
 * Begins a tree, or goes on with one.
 *
 * @param frontier of a tree of that size
 * @throws RangeError where the number of hashes is not that of the size
 */
export function createTree(size = 0, frontier: readonly Hash[] = []): Tree {
  if (frontier.length !== onesIn(size)) throw new RangeError(`${frontier.length} hashes are no tree of ${size}`);
  const stack = [...frontier];
  let count = size;
  return {
    get size() {
      return count;
    },
    push(leaf) {
      let top = leaf;
      for (let rest = count; rest % 2 === 1; rest = (rest - 1) / 2) top = nodeHash(stack.pop() ?? '', top);
      stack.push(top);
      count++;
    },
    root: () => stack.reduceRight<Hash | undefined>(joined, undefined) ?? EMPTY_ROOT,
    frontier: () => [...stack],
  };
}

const joined = (right: Hash | undefined, left: Hash): Hash => (right === undefined ? left : nodeHash(left, right));

/** Complete subtrees of a tree of that size. Not by bits: sizes go beyond 32 of them. */
function onesIn(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

/** A hash as its 32 bytes in base64. */
export const base64OfHash = (value: Hash): string => Buffer.from(value, 'latin1').toString('base64');

/** Reads 32 bytes in base64, in their one spelling; undefined for any other text. */
export function parseHash(text: string): Hash | undefined {
  const bytes = Buffer.from(text, 'base64');
  // One spelling: else a byte of a checkpoint could change and the checkpoint stay the same.
  return bytes.length === HASH_BYTES && bytes.toString('base64') === text ? bytes.toString('latin1') : undefined;
}
