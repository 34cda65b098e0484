import { AT, LIKENESSES } from './layout.ts';
import { setWord, word, type Profile } from './profile.ts';
import { ones } from './sketch.ts';

/** Up to so many of 64 bits apart, two prompts say nearly the same. Those that do not are 32 apart, give or take 4. */
const NEAR_BITS = 12;

/** Compares a prompt with the last ones of this caller, and remembers it. */
export function compareLikeness(profile: Profile, likeness: string): 'same' | 'near' | 'other' {
  const high = Number.parseInt(likeness.slice(0, 8), 16) >>> 0;
  const low = Number.parseInt(likeness.slice(8, 16), 16) >>> 0;
  const apart = nearest(profile, high, low);
  const place = word(profile, AT.likenessNext) % LIKENESSES;
  setWord(profile, AT.likenesses + 2 * place, high);
  setWord(profile, AT.likenesses + 2 * place + 1, low);
  setWord(profile, AT.likenessNext, (place + 1) % LIKENESSES);
  return apart === 0 ? 'same' : apart <= NEAR_BITS ? 'near' : 'other';
}

function nearest({ u32, base }: Profile, high: number, low: number): number {
  let least = 64;
  for (let at = base + AT.likenesses; at < base + AT.likenesses + 2 * LIKENESSES; at += 2) {
    const [otherHigh = 0, otherLow = 0] = [u32[at], u32[at + 1]];
    if (otherHigh === 0 && otherLow === 0) continue;
    least = Math.min(least, ones(high ^ otherHigh) + ones(low ^ otherLow));
  }
  return least;
}
