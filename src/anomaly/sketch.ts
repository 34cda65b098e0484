import { AT, type SketchName } from './layout.ts';
import type { Profile } from './profile.ts';

/**
 * How many different things were seen in a window, by linear counting: 64 bits, one set for each. Near enough up to a
 * hundred, and no more is told apart.
 */
const BITS = 64;
/** An estimate of full bits would be infinite. */
const MOST = 256;

/** Notes a thing. */
export function note({ u32, base }: Profile, name: SketchName, hash: number): void {
  const bit = spread(hash) & (BITS - 1);
  const at = base + AT[name] + (bit >>> 5);
  u32[at] = (u32[at] ?? 0) | (1 << (bit & 31));
}

/** Begins a new window: what was seen counts as the one before. */
export function turnSketch({ u32, base }: Profile, name: SketchName): void {
  const at = base + AT[name];
  u32.copyWithin(at + 2, at, at + 2);
  u32.fill(0, at, at + 2);
}

/** Different things in this window and the one before. */
export function distinct({ u32, base }: Profile, name: SketchName): number {
  const at = base + AT[name];
  return distinctOf((u32[at] ?? 0) | (u32[at + 2] ?? 0), (u32[at + 1] ?? 0) | (u32[at + 3] ?? 0));
}

/** How many different things have left these 64 bits. */
export function distinctOf(low: number, high: number): number {
  const empty = BITS - ones(low) - ones(high);
  return empty === 0 ? MOST : Math.round(BITS * Math.log(BITS / empty));
}

/** Which of 64 bits a hash sets. */
export const bitOf = (hash: number): number => spread(hash) & (BITS - 1);

/** The low bits of FNV alone follow the last characters too closely. */
const spread = (hash: number): number => Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 20;

/** Bits of 32 that are set. */
export function ones(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
