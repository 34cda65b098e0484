import type { JournalPage, ThreadJournal } from '../../limits/journal.ts';
import type { Ledger } from './ledger.ts';
import type { MemoryOfServer } from './memory-of-server.ts';
import type { Session } from './session.ts';

/** What a journal is written from. */
export interface JournalDeps {
  readonly ledger: Ledger;
  readonly memory: MemoryOfServer;
  readonly session: () => Pick<Session, 'sessions' | 'fleet'>;
  /** Takes a page; left out, none is written. */
  readonly write: ((page: JournalPage) => void) | undefined;
}

/** Writes a page where there is something new. */
export function createJournal({ ledger, memory, session, write }: JournalDeps): () => void {
  let last = '';

  function threadNow(): ThreadJournal {
    const { members, instances } = session().fleet();
    return { sessions: session().sessions(), members, instances, untold: ledger.untoldBudgets() };
  }

  return () => {
    if (write === undefined) return;
    const [thread, seen] = [threadNow(), memory.takeHeard()];
    const text = JSON.stringify(thread);
    if (text === last && seen.length === 0) return;
    last = text;
    write({ thread, seen });
  };
}
