import { createHmac } from 'node:crypto';
import type { UpstreamStates } from './upstream-states.ts';

/** A server may have so much more than the mean of all. */
const OVER_MEAN = 1.25;
/** And so many more at least: where few run, chance alone makes more than a quarter. */
const OVER_FEW = 4;

/**
 * A number for each conversation, 32 bits. Keyed, so that nobody can make up conversations that all go to one server;
 * with the tenant in it, so that what one tenant sends tells nothing of where another's goes.
 */
export function sessionNumber(key: Uint8Array, tenant: string, beginning: string): number {
  return createHmac('sha256', key).update(`${tenant}\0${beginning}`).digest().readUInt32LE();
}

/**
 * The order in which a session tries the upstreams, by rendezvous hashing (Thaler, Ravishankar 1998) with bounded loads
 * (Mirrokni, Thorup, Zadimoghaddam 2018): a session has its own order of them and keeps to the first one; those that have
 * more than a quarter over the mean of all come last. One that comes or goes moves only its own sessions.
 *
 * @param up indexes of upstreams that are up
 * @param nameNumberOf a number for the name of an upstream, the same on every worker and after a reload
 * @returns all that are up
 */
export function orderByAffinity(
  up: readonly number[],
  states: Pick<UpstreamStates, 'outstanding' | 'waiting'>,
  session: number,
  nameNumberOf: (index: number) => number,
): readonly number[] {
  const loadOf = (index: number): number => states.outstanding(index) + states.waiting(index);
  const total = up.reduce((sum, index) => sum + loadOf(index), 1);
  const mean = total / up.length;
  const most = Math.ceil(Math.max(mean * OVER_MEAN, mean + OVER_FEW));
  return up
    .map((index) => ({ index, isOver: loadOf(index) >= most, rank: mixed(session ^ nameNumberOf(index)) }))
    .toSorted((a, b) => Number(a.isOver) - Number(b.isOver) || b.rank - a.rank)
    .map(({ index }) => index);
}

/** The last steps of MurmurHash3: each bit of the input changes half of those of the output. */
function mixed(input: number): number {
  let hash = input;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
