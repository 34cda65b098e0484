import type { Line, Told } from '../../forward/queue/line.ts';
import type { FromWorker } from './messages.ts';

/** The requests of one worker that wait in the control plane's queues; upstreams go by their numbers in shared memory. */
export interface WorkerLine extends Line {
  /** The control plane has taken a place for one of them. */
  granted(id: number, upstream: number, tenant: string): void;
  refused(id: number, retryAfterMs: number): void;
}

/** @param giveBack gives back a place that nobody waits for any more */
export function createWorkerLine(
  send: (message: FromWorker) => void,
  giveBack: (upstream: number, tenant: string) => void,
): WorkerLine {
  const waiting = new Map<number, Told>();
  let last = 0;

  function tell(told: Told, how: () => void): void {
    try {
      how();
    } catch (error) {
      // Nobody above us could answer the request.
      told.failed(error);
    }
  }

  return {
    wait({ upstreams, tenant, priority }, told) {
      const id = ++last;
      waiting.set(id, told);
      send({ kind: 'wait', asked: { id, upstreams, tenant, priority } });
      return () => {
        if (waiting.delete(id)) send({ kind: 'leave', id });
      };
    },
    granted(id, upstream, tenant) {
      const told = waiting.get(id);
      // It left while the grant was on its way.
      if (told === undefined) return giveBack(upstream, tenant);
      waiting.delete(id);
      tell(told, () => told.granted(upstream));
    },
    refused(id, retryAfterMs) {
      const told = waiting.get(id);
      if (told === undefined || !waiting.delete(id)) return;
      tell(told, () => told.refused(retryAfterMs));
    },
  };
}
