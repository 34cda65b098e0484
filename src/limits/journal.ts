/** Budgets that one thread remembers. */
export const REMEMBERED_BUDGETS = 65_536;

/** What one budget on the server of the counters had used when a thread heard of it last. */
export interface SeenBudget {
  /** Names its counter there: a hash. */
  readonly id: string;
  /** Its window, milliseconds since the epoch. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly used: number;
}

/** What was used of a budget and is not known to have arrived at the server; below 0 where it was counted before. */
export interface UntoldSpend extends SeenBudget {
  /** Number of the settlement that tells it: one that the server has noted is not told again. */
  readonly seq: number;
}

/** What the successor of a thread goes on with where it ended, so that what it spent is told once. */
export interface ThreadJournal {
  /** Sessions by which the server may know it. */
  readonly sessions: readonly string[];
  /** How many members and instances there were, as last heard. */
  readonly members: number;
  readonly instances: number;
  readonly untold: readonly UntoldSpend[];
}

/** What a thread hands over: how it stands, and the budgets of which it has heard since the page before. */
export interface JournalPage {
  readonly thread: ThreadJournal;
  readonly seen: readonly SeenBudget[];
}

/** What a thread begins with. */
export interface RestoredJournal {
  /** Of the thread whose place it takes; undefined where there was none. */
  readonly thread: ThreadJournal | undefined;
  readonly seen: readonly SeenBudget[];
}

/** A thread by its row; undefined once nothing of it is left to be told. */
export type JournalRow = readonly [row: number, thread: ThreadJournal | undefined];

/** All that was kept. */
export interface KeptJournal {
  readonly threads: readonly (readonly [row: number, thread: ThreadJournal])[];
  readonly seen: readonly SeenBudget[];
}

/** Keeps beside the server of the counters what this instance knows of budgets. Kept by SQLite. */
export interface JournalStore {
  /** What is kept of windows that have not ended. */
  readJournal(nowMs: number): Promise<KeptJournal>;
  /** Writes all of it in one step: a half of it would count twice, or not at all. */
  writeJournal(threads: readonly JournalRow[], seen: readonly SeenBudget[], nowMs: number): Promise<void>;
}

/** The larger of two states of one budget: of the later window, or what more was used in the same one. */
export function laterBudget(one: SeenBudget | undefined, other: SeenBudget): SeenBudget {
  if (one === undefined || other.windowStartMs > one.windowStartMs) return other;
  return other.windowStartMs === one.windowStartMs && other.used > one.used ? other : one;
}
