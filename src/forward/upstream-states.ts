/** What all threads know together of the upstreams, by their index in the configuration. */
export interface UpstreamStates {
  /** Notes a request that begins; the caller ends it exactly once. */
  begin(index: number): void;
  end(index: number): void;
  outstanding(index: number): number;
  isUp(index: number): boolean;
  /** Whether one request may try an upstream that is down: true at most once a second over all threads. */
  mayTry(index: number, nowMs: number): boolean;
  /** An answer that was no 5xx: it is up. `routeIndex` says which route worked, for the probe. */
  noteSuccess(index: number, routeIndex: number, principalId: string): void;
  /** A connection that failed or broke. Three in a row mark the upstream down. */
  noteFault(index: number): void;
  /**
   * A request that connected and was not answered in time: a fault, unless upstream has answered somebody meanwhile.
   * One caller's slow requests must not take it from the others, whose answers show that it lives.
   *
   * @param answersBefore `answers` when the wait for this request began
   */
  noteTimeout(index: number, answersBefore: number): void;
  /** How many answers it has given so far, to anybody and of any status; wraps around. */
  answers(index: number): number;
  /**
   * A 5xx. Marks the upstream down only when all of the last 20 requests got one and they came from at least three
   * principals: one caller who provokes 500s must not take it from the others.
   */
  noteServerError(index: number, principalId: string): void;
  /** Marks it up: a probe succeeded. */
  markUp(index: number): void;
  /** Index of the route that worked last; -1 where none has. */
  lastRoute(index: number): number;
}
