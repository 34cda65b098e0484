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
const WINDOW_MS = 60_000;

/** What a tenant held at most in this window and in the one before. */
interface Peak {
  window: number;
  now: number;
  before: number;
}

/** Knows nothing of anybody yet. */
export function createReserve(): Reserve {
  const peaks = new Map<number, Peak>();

  function note({ bucket, places }: TenantPlaces, window: number): number {
    const peak = peaks.get(bucket) ?? { window, now: 0, before: 0 };
    if (peak.window !== window) {
      peak.before = peak.window === window - 1 ? peak.now : 0;
      peak.now = 0;
      peak.window = window;
    }
    peak.now = Math.max(peak.now, places);
    peaks.set(bucket, peak);
    return Math.max(peak.now, peak.before);
  }

  return {
    needs(limit, percent, held, nowMs) {
      const window = Math.floor(nowMs / WINDOW_MS);
      for (const [bucket, peak] of peaks) if (peak.window < window - 1) peaks.delete(bucket);
      const most = held.map((one) => ({ bucket: one.bucket, peak: note(one, window) }));
      // One alone may have all, and of one place nothing can be kept.
      if (limit === 'none' || held.length < 2 || limit < 2) return [];
      const share = limit / held.length;
      let left = Math.min(limit - 1, Math.ceil((limit * percent) / 100));
      return (
        most
          // Who has had its share at once is who others are kept from.
          .filter(({ peak }) => peak < share)
          // Among equals in turn: their order is that of names, which whoever makes tenants chooses.
          .toSorted((a, b) => a.peak - b.peak || turnOf(a.bucket, window) - turnOf(b.bucket, window))
          .slice(0, MOST_NEEDS)
          .flatMap(({ bucket, peak }) => {
            // One at least: the first of who comes anew must not be the one that waits.
            const places = Math.min(left, Math.max(1, peak), Math.floor(share));
            left -= Math.max(0, places);
            return places > 0 ? [{ bucket, places }] : [];
          })
      );
    },
  };
}

/** Another order of the 256 buckets in each window. */
const turnOf = (bucket: number, window: number): number => (bucket + 97 * window) & 0xff;
