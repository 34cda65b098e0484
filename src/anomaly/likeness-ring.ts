import { AT, LIKENESSES } from './layout.ts';
import { setWord, word, type Profile } from './profile.ts';
import { ones } from './sketch.ts';

/** Up to so many of 64 bits apart, two prompts say nearly the same. Those that do not are 32 apart, give or take 4. */
const NEAR_BITS = 12;

/** So many of the last ones have to be near: who tries again, or mends a word, is near to one or two. */
const CLUSTER = 3;

/** Compares a prompt with the last ones of this caller, and remembers it. */
export function compareLikeness(profile: Profile, likeness: string): 'same' | 'near' | 'other' {
  const high = Number.parseInt(likeness.slice(0, 8), 16) >>> 0;
  const low = Number.parseInt(likeness.slice(8, 16), 16) >>> 0;
  const near = nearOnes(profile, high, low);
  const place = word(profile, AT.likenessNext) % LIKENESSES;
  setWord(profile, AT.likenesses + 2 * place, high);
  setWord(profile, AT.likenesses + 2 * place + 1, low);
  setWord(profile, AT.likenessNext, (place + 1) % LIKENESSES);
  return near === Infinity ? 'same' : near >= CLUSTER ? 'near' : 'other';
}

/** How many of the last ones are near; Infinity where one is the same. */
function nearOnes({ u32, base }: Profile, high: number, low: number): number {
  let near = 0;
  for (let at = base + AT.likenesses; at < base + AT.likenesses + 2 * LIKENESSES; at += 2) {
    const [otherHigh = 0, otherLow = 0] = [u32[at], u32[at + 1]];
    if (otherHigh === 0 && otherLow === 0) continue;
    const apart = ones(high ^ otherHigh) + ones(low ^ otherLow);
    if (apart === 0) return Infinity;
    if (apart <= NEAR_BITS) near++;
  }
  return near;
}
