/** A response that is kept: what reading it gives. */
export interface KeptResponse {
  readonly id: string;
  readonly status: string;
  readonly [member: string]: unknown;
}

/** What is needed to go on from a response. */
export interface Turn {
  /** Texts of its prompt and of what was answered, oldest first. */
  readonly texts: readonly string[];
}

/**
 * The responses that were stored: as with vLLM whoever knows an id reads, continues and cancels. One that runs in the
 * background has ended when it is read for the second time.
 */
export interface ResponseStore {
  /** @param running what it is until it has ended; undefined where it has already */
  keep(ended: KeptResponse, turn: Turn, running?: KeptResponse): void;
  read(id: string): KeptResponse | undefined;
  turn(id: string): Turn | undefined;
  /** The cancelled response, `ended` where there is nothing to cancel any more, undefined where there is none. */
  cancel(id: string): KeptResponse | 'ended' | undefined;
  /** Forgets all, as a restart does. */
  clear(): void;
}

/** vLLM never forgets; a simulator that is measured for hours has to. */
const MOST = 1_000;

/** An empty store. */
export function createResponseStore(): ResponseStore {
  const kept = new Map<string, { ended: KeptResponse; running: KeptResponse | undefined; turn: Turn; reads: number }>();
  return {
    clear: () => kept.clear(),
    keep(ended, turn, running) {
      const [oldest] = kept.keys();
      if (kept.size >= MOST && oldest !== undefined) kept.delete(oldest);
      kept.set(ended.id, { ended, running, turn, reads: 0 });
    },
    read(id) {
      const entry = kept.get(id);
      if (entry?.running === undefined) return entry?.ended;
      const { running } = entry;
      if (entry.reads++ === 0) return running;
      entry.running = undefined;
      return entry.ended;
    },
    turn: (id) => kept.get(id)?.turn,
    cancel(id) {
      const entry = kept.get(id);
      if (entry === undefined) return undefined;
      if (entry.running === undefined) return 'ended';
      entry.ended = { ...entry.running, status: 'cancelled' };
      entry.running = undefined;
      return entry.ended;
    },
  };
}
