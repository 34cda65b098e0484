/** Which traces are kept. */
export interface SamplingRules {
  /** Part of all traces that is kept whatever becomes of them, 0 to 1. */
  readonly ratio: number;
  /** A request that takes that long is kept. */
  readonly slowMs: number;
}

/** How a request ended, as far as that decides about its trace. */
export interface Ended {
  readonly outcome: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Values of the part of an id that is looked at: its last 7 bytes are random (W3C Trace Context, level 2, §3.2.2.3). */
const RANGE = 2 ** 56;

/** Whether a trace is among the part that is kept: by its id, so that everybody who looks decides alike. */
export function isChosen(traceId: string, ratio: number): boolean {
  // Alone, for the largest ids are rounded up to the end of the range.
  return ratio > 0 && Number.parseInt(traceId.slice(-14), 16) >= RANGE * (1 - ratio);
}

/**
 * Whether a request's spans are kept once it has ended: of a trace that was chosen at its beginning, slow, or failed. What
 * is refused for its caller's sake (4xx) is no failure: anybody could else fill the collector with it.
 */
export function isKept(isSampled: boolean, { outcome, status, durationMs }: Ended, { slowMs }: SamplingRules): boolean {
  return isSampled || durationMs >= slowMs || outcome === 'fault' || outcome === 'cut' || status >= 500;
}
