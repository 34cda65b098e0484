/** Requests of one tenant at an upstream, under the number that its name is counted by. */
export interface TenantPlaces {
  readonly bucket: number;
  readonly places: number;
}

/** Finds out how many places to keep for tenants that ask little. */
export interface Reserve {
  /**
   * How many each of them needs to have at once; what it holds of them counts. A place comes free only when an answer
   * ends, so that without it a tenant that asks little would wait for somebody else's answer each time.
   *
   * @param percent of the limit that may be kept, 0 to 50
   * @param held the most that each tenant that has asked lately held at once since the last call
   * @param nowMs of a clock that never goes back
   */
  needs(limit: number | 'none', percent: number, held: readonly TenantPlaces[], nowMs: number): readonly TenantPlaces[];
}

/** Tenants whose needs are kept; whoever takes a place looks at all of them. */
export const MOST_NEEDS = 8;

/** How long the most that a tenant held at once is remembered: between once and twice so long. */
const WINDOW_MS = 30_000;
/** Of what a tenant usually holds, a look so long ago counts a third. */
const USUAL_MS = 30_000;
/** Who usually holds this part of its equal share is one that others are kept from, not one to keep for. */
const PART_OF_SHARE = 0.75;

/** What a tenant held at most in this window and in the one before, and what it usually holds. */
interface Past {
  window: number;
  now: number;
  before: number;
  usual: number;
  seenMs: number;
}

/** Knows nothing of anybody yet. */
export function createReserve(): Reserve {
  const pasts = new Map<number, Past>();

  function note({ bucket, places }: TenantPlaces, window: number, nowMs: number): Past {
    const past = pasts.get(bucket) ?? { window, now: 0, before: 0, usual: places, seenMs: nowMs };
    if (past.window !== window) {
      past.before = past.window === window - 1 ? past.now : 0;
      past.now = 0;
      past.window = window;
    }
    past.now = Math.max(past.now, places);
    past.usual += (places - past.usual) * (1 - Math.exp((past.seenMs - nowMs) / USUAL_MS));
    past.seenMs = nowMs;
    pasts.set(bucket, past);
    return past;
  }

  return {
    needs(limit, percent, held, nowMs) {
      const window = Math.floor(nowMs / WINDOW_MS);
      for (const [bucket, past] of pasts) if (past.window < window - 1) pasts.delete(bucket);
      const most = held.map((one) => {
        const { now, before, usual } = note(one, window, nowMs);
        return { bucket: one.bucket, peak: Math.max(now, before), usual };
      });
      // One alone may have all, and of one place nothing can be kept.
      if (limit === 'none' || held.length < 2 || limit < 2) return [];
      const share = limit / held.length;
      let left = Math.min(limit - 1, Math.ceil((limit * percent) / 100));
      return (
        most
          // A single burst makes nobody one that floods: it would be without kept places until the burst is forgotten.
          .filter(({ usual }) => usual < share * PART_OF_SHARE)
          // Among equals in turn: their order is that of names, which whoever makes tenants chooses.
          .toSorted((a, b) => a.peak - b.peak || turnOf(a.bucket, window) - turnOf(b.bucket, window))
          .slice(0, MOST_NEEDS)
          .flatMap(({ bucket, peak }) => {
            // One more than it has needed: whoever asks at random needs more than ever before now and then.
            const places = Math.min(left, peak + 1, Math.floor(share));
            left -= Math.max(0, places);
            return places > 0 ? [{ bucket, places }] : [];
          })
      );
    },
  };
}

/** Another order of the 256 buckets in each window. */
const turnOf = (bucket: number, window: number): number => (bucket + 97 * window) & 0xff;
