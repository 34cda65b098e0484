/** What all threads know together of the upstreams, by their index in the configuration. */
export interface UpstreamStates {
  /**
   * Takes a place for a request of a tenant; false where it has none free for it. The caller ends what it began exactly
   * once.
   */
  begin(index: number, tenant: string, nowMs: number): boolean;
  end(index: number, tenant: string): void;
  outstanding(index: number): number;
  /** Whether there is a limit on how many requests it gets at once. */
  isLimited(index: number): boolean;
  /** How many wait for a place. */
  waiting(index: number): number;
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
  /** How long the first byte of an answer took. */
  noteFirstByte(index: number, ms: number): void;
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
