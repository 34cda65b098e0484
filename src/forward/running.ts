import type { Denial } from '../kernel/reasons.ts';

/** Ends a running exchange with a denial. */
export type Cut = (denial: Denial) => void;

/** The exchanges that run now, by the names (`Principal.marks`) of what they run on, so that those of what is revoked can be ended. */
export interface RunningExchanges {
  /** @returns forgets it again */
  add(marks: readonly string[], cut: Cut): () => void;
  /** Ends all that run on something of that name. */
  cutAll(mark: string, denial: Denial): void;
  /** Ends all that run. */
  cutEvery(denial: Denial): void;
  /** How many run. */
  count(): number;
}

/** An empty register. */
export function createRunningExchanges(): RunningExchanges {
  const byMark = new Map<string, Set<Cut>>();
  const running = new Set<Cut>();

  function forget(mark: string, cut: Cut): void {
    const cuts = byMark.get(mark);
    if (cuts?.delete(cut) === true && cuts.size === 0) byMark.delete(mark);
  }

  return {
    add(marks, cut) {
      running.add(cut);
      for (const mark of marks) {
        const cuts = byMark.get(mark);
        if (cuts === undefined) byMark.set(mark, new Set([cut]));
        else cuts.add(cut);
      }
      return () => {
        if (running.delete(cut)) for (const mark of marks) forget(mark, cut);
      };
    },
    cutAll(mark, denial) {
      for (const cut of [...(byMark.get(mark) ?? [])]) cut(denial);
    },
    cutEvery(denial) {
      for (const cut of [...running]) cut(denial);
    },
    count: () => running.size,
  };
}
