import type { Denial } from '../kernel/reasons.ts';

/** Ends a running exchange with a denial. */
export type Cut = (denial: Denial) => void;

/** The exchanges that run now, by the API key that they run on, so that a revoked key's can be ended. */
export interface RunningExchanges {
  /** @returns forgets it again */
  add(keyId: string, cut: Cut): () => void;
  /** Ends all that run on an API key. */
  cutAll(keyId: string, denial: Denial): void;
  /** Ends all that run. */
  cutEvery(denial: Denial): void;
  /** How many run. */
  count(): number;
}

/** An empty register. */
export function createRunningExchanges(): RunningExchanges {
  const byKey = new Map<string, Set<Cut>>();
  let running = 0;
  return {
    add(keyId, cut) {
      let cuts = byKey.get(keyId);
      if (cuts === undefined) byKey.set(keyId, (cuts = new Set()));
      cuts.add(cut);
      running++;
      return () => {
        if (!cuts.delete(cut)) return;
        running--;
        if (cuts.size === 0 && byKey.get(keyId) === cuts) byKey.delete(keyId);
      };
    },
    cutAll(keyId, denial) {
      for (const cut of [...(byKey.get(keyId) ?? [])]) cut(denial);
    },
    cutEvery(denial) {
      for (const cuts of [...byKey.values()]) for (const cut of [...cuts]) cut(denial);
    },
    count: () => running,
  };
}
