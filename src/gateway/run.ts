import type { Clock } from '../kernel/clock.ts';
import type { AnyExchange, Exchange, Facts, Has, Slots } from '../kernel/exchange.ts';
import { deny, reasons, type Denial } from '../kernel/reasons.ts';
import type { AnyStage, Inspector, Outcome, Pipeline } from '../kernel/stage.ts';
import type { UpstreamHead } from '../kernel/transport.ts';
import { CountersUnavailable } from '../limits/counters.ts';
import { sendDenial } from '../wire/answer.ts';

/** Hears how every exchange ended. */
export type Observe = (x: AnyExchange, outcome: Outcome) => void;

/** Records of decisions, where they must be on disk before they are acted on. */
export interface Recording {
  /** Whether anybody has to wait for that. */
  isStrict(): boolean;
  /** Notes that an exchange was let in. */
  begin(x: AnyExchange): void;
  /** Resolves once all that was noted is on disk; false where that failed and nothing may be done. */
  kept(): Promise<boolean>;
}

/** What the runner of a pipeline works with. */
export interface RunDeps {
  readonly clock: Clock;
  readonly observe: Observe;
  readonly recording: Recording;
  /** Told of an error that nobody handled. */
  readonly onFault: (x: AnyExchange, error: unknown) => void;
}

/** Nothing may be done unrecorded, and nothing can be recorded. */
export const UNRECORDED = { message: 'Requests cannot be recorded now. Try again shortly.', retryAfterMs: 1_000 };
const UNCOUNTED = { message: 'The limits cannot be counted now. Try again shortly.', retryAfterMs: 1_000 };

/** An exchange as a stage sees it: the compiler has proven by the chain that its needs are there. */
type Staged = Exchange & Has<keyof Facts> & Slots<keyof Facts>;

/**
 * Runs an exchange through a pipeline: each stage decides in turn, the end of the chain answers, every stage that
 * allowed settles in reverse, then the observers hear of it. The one place that catches what others throw; what the end of
 * the chain hears from connections later it catches itself.
 */
export function run(pipeline: Pipeline, x: AnyExchange, { clock, observe, recording, onFault }: RunDeps): void {
  const staged = x as Staged;
  const { stages } = pipeline;
  const startedMs = clock.monotonicMs();
  let allowed = 0;
  let isDone = false;

  function decideFrom(first: number): void {
    for (let i = first; i < stages.length; i++) {
      let decision: Denial | undefined | Promise<Denial | undefined>;
      try {
        decision = stages[i]?.decide?.(staged);
      } catch (error) {
        return fail(error);
      }
      if (decision instanceof Promise) {
        decision.then((denial) => (denial === undefined ? goOn(i) : refuse(denial)), fail);
        return;
      }
      if (decision !== undefined) return refuse(decision);
      allowed = i + 1;
    }
    if (!recording.isStrict()) return forward();
    recording.begin(x);
    recording.kept().then((isKept) => (isKept ? forward() : refuse(deny('store_unavailable', UNRECORDED))), fail);
  }

  function forward(): void {
    try {
      pipeline.forward(staged, inspectorsOf, done, (error) => onFault(x, error));
    } catch (error) {
      fail(error);
    }
  }

  function goOn(i: number): void {
    allowed = i + 1;
    decideFrom(i + 1);
  }

  function inspectorsOf(head: UpstreamHead): readonly Inspector[] {
    const inspectors: Inspector[] = [];
    for (const stage of stages) {
      const inspector = stage.inspect?.(staged, head);
      if (inspector !== undefined) inspectors.push(inspector);
    }
    return inspectors;
  }

  function refuse(denial: Denial, kind: 'denial' | 'fault' = 'denial'): void {
    if (isDone) return;
    const { status } = reasons[denial.code];
    const end = { kind, status, code: denial.code, why: denial.why, firstByteMs: undefined, upstream: undefined };
    sendRecorded(
      x,
      { recording, onFault },
      () => sendDenial(x, denial),
      () => done(end),
    );
  }

  function fail(error: unknown): void {
    // Not our breakage: it is said once for all, where the counters are watched.
    if (error instanceof CountersUnavailable && !isDone) return refuse(deny('store_unavailable', UNCOUNTED));
    onFault(x, error);
    if (isDone) return;
    try {
      refuse(deny('internal_error'), 'fault');
    } catch {
      // The head was out already: only the connection's end can tell the peer.
      x.downstream.destroy();
      done({ kind: 'fault', status: 500, code: 'internal_error', firstByteMs: undefined, upstream: undefined });
    }
  }

  function done(end: Omit<Outcome, 'durationMs'>): void {
    if (isDone) return;
    isDone = true;
    const outcome: Outcome = { ...end, durationMs: clock.monotonicMs() - startedMs };
    for (let i = allowed - 1; i >= 0; i--) settle(stages[i], outcome);
    observe(x, outcome);
  }

  function settle(stage: AnyStage | undefined, outcome: Outcome): void {
    try {
      stage?.settle?.(staged, outcome);
    } catch (error) {
      // The other stages still have to give back what they hold.
      onFault(x, error);
    }
  }

  decideFrom(0);
}

/** Sends an answer and notes it; where nothing may be done unrecorded it is noted first, and sent once that is on disk. */
export function sendRecorded(
  x: AnyExchange,
  { recording, onFault }: Pick<RunDeps, 'recording' | 'onFault'>,
  send: () => void,
  note: () => void,
): void {
  if (!recording.isStrict()) {
    send();
    return note();
  }
  note();
  // A refusal harms nobody: it is sent even where it could not be recorded.
  recording
    .kept()
    .then(send)
    .catch((error: unknown) => {
      onFault(x, error);
      x.downstream.destroy();
    });
}
