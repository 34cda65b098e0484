/** What a request asks of the engine. */
export interface Job {
  /** Its turn has come: it is computed from now on. */
  readonly start: () => void;
}

/** vLLM's scheduler, as far as callers feel it: so many requests are computed at once, the others wait in order. */
export interface Engine {
  /** Takes a job, at once where there is room. @returns ends it, whatever it does then; calling it again does nothing */
  enter(job: Job): () => void;
  running(): number;
  waiting(): number;
  /** Most that ever ran and waited together. */
  peak(): number;
}

/** @param maxNumSeqs most that are computed at once (`--max-num-seqs`) */
export function createEngine(maxNumSeqs: number): Engine {
  const waiting = new Set<Job>();
  const running = new Set<Job>();
  let peak = 0;

  function begin(): void {
    for (const job of waiting) {
      if (running.size >= maxNumSeqs) return;
      waiting.delete(job);
      running.add(job);
      job.start();
    }
  }

  return {
    enter(job) {
      waiting.add(job);
      peak = Math.max(peak, waiting.size + running.size);
      begin();
      return () => {
        waiting.delete(job);
        if (running.delete(job)) begin();
      };
    },
    running: () => running.size,
    waiting: () => waiting.size,
    peak: () => peak,
  };
}
