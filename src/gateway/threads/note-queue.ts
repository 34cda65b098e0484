import type { AuditRecord } from '../../kernel/record.ts';

/** Records of the control plane on their way to the records thread. */
export interface NoteQueue {
  add(records: readonly AuditRecord[]): void;
  /** The thread has ended and was started anew: it gets what the other had not written. */
  again(): void;
}

/** What the thread is sent. */
export interface Notes {
  /** 1, 2, 3, … */
  readonly note: number;
  readonly records: readonly AuditRecord[];
  /** Records that were given up since the one before. */
  readonly dropped: number;
}

/** What a queue works with. */
export interface NoteQueueDeps {
  readonly post: (notes: Notes) => void;
  /** The last one that is written, or waits where the next thread finds it. */
  readonly written: () => number;
}

/** Notes that are kept until they are written; beyond it they are counted. */
const MAX_KEPT = 10_000;
/** One that three threads have ended with is given up: it may be what they ended of. */
const MAX_TRIES = 3;

/** Changes and sign-ins are few and weigh much: they are kept until they are on the disk, so that none goes with a thread. */
export function createNoteQueue({ post, written }: NoteQueueDeps): NoteQueue {
  let kept: (Notes & { tries: number })[] = [];
  let last = 0;
  let dropped = 0;

  return {
    add(records) {
      if (kept.length >= MAX_KEPT) {
        const done = written();
        kept = kept.filter(({ note }) => note > done);
      }
      if (kept.length >= MAX_KEPT) {
        dropped += records.length;
        return;
      }
      const notes = { note: ++last, records, dropped, tries: 1 };
      dropped = 0;
      kept.push(notes);
      post({ note: notes.note, records, dropped: notes.dropped });
    },
    again() {
      const done = written();
      const left = kept.filter(({ note }) => note > done);
      kept = [];
      for (const notes of left) {
        if (notes.tries >= MAX_TRIES) dropped += notes.records.length + notes.dropped;
        else {
          kept.push({ ...notes, tries: notes.tries + 1, dropped: notes.dropped + dropped });
          dropped = 0;
        }
      }
      for (const { note, records, dropped: before } of kept) post({ note, records, dropped: before });
    },
  };
}
