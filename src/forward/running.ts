import type { AnyExchange } from '../kernel/exchange.ts';
import type { Denial } from '../kernel/reasons.ts';
import type { RunningView } from '../kernel/running-view.ts';

/** Ends a running exchange with a denial. */
export type Cut = (denial: Denial) => void;

/** The exchanges that run now, by the names (`Principal.marks`) of what they run on, so that those of what is revoked can be ended. */
export interface RunningExchanges {
  /**
   * @param x what runs, for who looks on; left out, nobody sees it
   * @returns forgets it again
   */
  add(marks: readonly string[], cut: Cut, x?: SeenRunning): () => void;
  /** Ends all that run on something of that name. */
  cutAll(mark: string, denial: Denial): void;
  /** Ends all that run. */
  cutEvery(denial: Denial): void;
  /** Ends one of them; false where it does not run. */
  cutOne(requestId: string, denial: Denial): boolean;
  /** How many run. */
  count(): number;
  /** What runs, the oldest first, at most `MAX_SEEN`. */
  list(): readonly RunningView[];
}

/** What is shown of a running exchange, as far as it is there. */
export type SeenRunning = Pick<AnyExchange, 'requestId' | 'startedAtMs'> &
  Partial<Pick<AnyExchange, 'principal' | 'peer' | 'route' | 'model' | 'request' | 'usage'>>;

/** More are not shown at once: nobody reads them, and a worker has to send them. */
export const MAX_SEEN = 1_000;

/** An empty register. */
export function createRunningExchanges(): RunningExchanges {
  const byMark = new Map<string, Set<Cut>>();
  const running = new Map<Cut, SeenRunning | undefined>();

  function forget(mark: string, cut: Cut): void {
    const cuts = byMark.get(mark);
    if (cuts?.delete(cut) === true && cuts.size === 0) byMark.delete(mark);
  }

  return {
    add(marks, cut, x) {
      running.set(cut, x);
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
      for (const cut of [...running.keys()]) cut(denial);
    },
    cutOne(requestId, denial) {
      for (const [cut, x] of running) {
        if (x?.requestId !== requestId) continue;
        cut(denial);
        return true;
      }
      return false;
    },
    count: () => running.size,
    list() {
      const views: RunningView[] = [];
      for (const x of running.values()) {
        if (views.length >= MAX_SEEN) break;
        if (x !== undefined) views.push(viewOf(x));
      }
      return views;
    },
  };
}

const viewOf = ({
  requestId,
  startedAtMs,
  principal,
  peer,
  route,
  model,
  request,
  usage,
}: SeenRunning): RunningView => ({
  requestId,
  holder: principal?.id ?? '',
  tenant: principal?.tenant ?? '',
  address: peer?.address ?? '',
  route: route?.id ?? '',
  model,
  isStream: request?.isStream ?? true, // a socket, which has no body
  startedAtMs,
  promptTokens: usage?.promptTokens,
  outputTokens: (usage?.completionTokens ?? 0) + (usage?.deltas ?? 0),
});
