import type { Exchange, Facts, Has, Slots } from './exchange.ts';
import type { JsonObject } from './json.ts';
import type { Denial, ReasonCode } from './reasons.ts';
import type { UpstreamHead } from './transport.ts';

/** How an exchange ended. */
export interface Outcome {
  /** `answer` upstream's or our own answer went out whole · `denial` refused · `cut` a running stream was ended by us ·
   *  `abort` the peer went away · `fault` upstream or we failed. */
  readonly kind: 'answer' | 'denial' | 'cut' | 'abort' | 'fault';
  /** Status that the peer saw; 499 where it went away before one was sent, 101 of every socket that was opened. */
  readonly status: number;
  readonly code: ReasonCode | undefined;
  /** Which of the causes that are one to the caller it was, for the operator's log. */
  readonly why?: string | undefined;
  readonly durationMs: number;
  /** Until the first byte of upstream's body; undefined where none came. */
  readonly firstByteMs: number | undefined;
  /** Since upstream was asked, milliseconds; undefined where none was. */
  readonly workedMs?: number | undefined;
  /** Upstream had the request, and neither refused it nor was it out of reach: it may have worked for it. */
  readonly mayHaveWorked?: boolean | undefined;
  /** Name of the upstream that was asked last. */
  readonly upstream: string | undefined;
}

/** What an inspector wants done with an event or body. */
export type Verdict =
  /** Send it as it is now. */
  | 'pass'
  /** Keep it from the caller. */
  | 'drop'
  /** End the stream here with this denial. */
  | Denial;

/** One SSE event (WHATWG HTML §9.2.6) of upstream's answer. Parsed at most once, shared by all inspectors. */
export interface StreamEvent {
  /** The `data` field. */
  readonly data: string;
  /** The `event` field; empty where there was none. */
  readonly type: string;
  /** The data as a JSON object; undefined where it is none (`[DONE]`). */
  json(): JsonObject | undefined;
  /** Puts another value in the place of the data, for the inspectors after this one and for the caller. */
  replace(value: JsonObject): void;
}

/** Looks at an answer while it passes. */
export interface Inspector {
  event?(event: StreamEvent): Verdict;
  /** A whole JSON answer: the value to go on with, or the denial to answer with instead. */
  body?(value: JsonObject): JsonObject | Denial;
}

/** One step of a request's way. */
export interface Stage<Needs extends keyof Facts, Adds extends keyof Facts = never> {
  readonly name: string;
  readonly adds: readonly Adds[];
  /** Before anything goes upstream. Undefined goes on; a promise only where it must wait. In a dry run nothing is spent. */
  readonly decide?: (x: Exchange & Has<Needs> & Slots<Adds>) => Denial | undefined | Promise<Denial | undefined>;
  /** Once upstream's head is there: what looks at the answer, or undefined. Pure: no I/O. */
  readonly inspect?: (x: Exchange & Has<Needs | Adds>, head: UpstreamHead) => Inspector | undefined;
  /** Exactly once for each stage that allowed, in reverse, however the exchange ends: answer, denial, abort, fault.
   *  Synchronous; slow work is posted. A stage that denies or throws has undone its own part. */
  readonly settle?: (x: Exchange & Has<Needs | Adds>, outcome: Outcome) => void;
}

/** A stage whose needs the compiler has already checked. */
export type AnyStage = Stage<keyof Facts, keyof Facts>;

/** A chain that has the facts `Known` at its end. */
export interface Chain<Known extends keyof Facts> {
  /** Adds a stage; does not compile unless all it needs is known by now. */
  add<Needs extends Known, Adds extends keyof Facts>(stage: Stage<Needs, Adds>): Chain<Known | Adds>;
  /** The stages in order, and what the end of the chain may rely on. */
  end<Needs extends Known, Adds extends keyof Facts = never>(forward: Forward<Needs, Adds>): Pipeline;
}

/**
 * The end of a chain: asks upstream (or answers by itself) and says how it went. `Adds` it learns only on the way. What is
 * thrown while it runs is its caller's to catch; what is thrown later it catches itself, and tells `onFault` for the log.
 */
export type Forward<Needs extends keyof Facts, Adds extends keyof Facts = never> = (
  x: Exchange & Has<Needs> & Slots<Adds>,
  inspectorsOf: (head: UpstreamHead) => readonly Inspector[],
  done: (outcome: Omit<Outcome, 'durationMs'>) => void,
  onFault: (error: unknown) => void,
) => void;

/** A whole chain. */
export interface Pipeline {
  readonly stages: readonly AnyStage[];
  readonly forward: Forward<keyof Facts>;
}

/** Starts a chain that knows the facts `Known`. */
export function chain<Known extends keyof Facts>(): Chain<Known> {
  const stages: AnyStage[] = [];
  const links = {
    add(stage: AnyStage) {
      stages.push(stage);
      return links;
    },
    end: (forward: Forward<keyof Facts>): Pipeline => ({ stages, forward }),
  };
  // The compiler has checked each link by the types of `Chain`; here only the order is kept.
  return links;
}
