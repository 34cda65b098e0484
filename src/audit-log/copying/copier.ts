import type { Clock, Timer } from '../../kernel/clock.ts';
import { parseCheckpoint, type Checkpoint } from '../checkpoint.ts';
import { tryAtTheEnd } from '../last-tries.ts';

/** What a copier works with. */
export interface CopierDeps {
  /** The last checkpoint as it is written; undefined where there is none yet. */
  readonly last: () => string | undefined;
  /** Puts it in the second place; rejects where that does not take it. */
  readonly send: (text: string, checkpoint: Checkpoint, signal: AbortSignal) => Promise<void>;
  readonly clock: Pick<Clock, 'after'>;
  readonly everyMs: number;
  readonly on: CopierEvents;
}

/** What is told of it. */
export interface CopierEvents {
  sent(): void;
  failed(): void;
  /** It begins to fail, and works again: each said once. */
  failing(why: string): void;
  recovered(): void;
}

/** Puts the last checkpoint in a second place, now and then. Each vouches for all before it: none of those is missed. */
export interface Copier {
  /** Puts the last one there, as far as that goes within `graceMs`; where it stumbles only now it tries again meanwhile. */
  close(graceMs: number): Promise<void>;
}

/** Where the place does not take it: soon again, however seldom copies are wished for. */
const MAX_RETRY_MS = 60_000;

/** Starts with the checkpoint that is there. */
export function createCopier({ last, send, clock, everyMs, on }: CopierDeps): Copier {
  const abort = new AbortController();
  let copied: string | undefined;
  let isFailing = false;
  let isClosing = false;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;

  async function copy(): Promise<void> {
    const text = last();
    const checkpoint = text === undefined || text === copied ? undefined : parseCheckpoint(text);
    if (text === undefined || checkpoint === undefined) return;
    await send(text, checkpoint, abort.signal);
    copied = text;
    on.sent();
    if (isFailing) on.recovered();
    isFailing = false;
  }

  function failed(error: unknown): void {
    if (!isFailing) on.failing(error instanceof Error ? error.message : String(error));
    isFailing = true;
    on.failed();
  }

  function run(): Promise<void> {
    timer?.cancel();
    running ??= copy()
      .catch(failed)
      .then(() => {
        running = undefined;
        const waitMs = isFailing ? Math.min(everyMs, MAX_RETRY_MS) : everyMs;
        if (!isClosing) timer = clock.after(waitMs, () => void run());
      });
    return running;
  }

  void run();
  return {
    async close(graceMs) {
      isClosing = true;
      // One that was down before is asked once: it must not make each stop longer.
      const isAskedOnce = isFailing;
      const end = clock.after(graceMs, () => abort.abort());
      await running;
      const attempt = async (): Promise<boolean> => {
        await run();
        return isAskedOnce || !isFailing;
      };
      await tryAtTheEnd(attempt, clock, abort.signal);
      end.cancel();
      abort.abort();
    },
  };
}
