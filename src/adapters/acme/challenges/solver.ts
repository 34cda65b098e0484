/** What a CA is to find for one name. */
export interface ChallengeAnswer {
  readonly name: string;
  readonly token: string;
  /** RFC 8555 §8.1. */
  readonly keyAuthorization: string;
}

/** Makes answers of one kind of challenge reachable for a CA. */
export interface Solver {
  /** Begins to listen, where that takes a port of its own. @throws SolverFault in a line with the mend */
  open(): Promise<void>;
  /** Resolves once every one of them can be seen. @throws SolverFault in a line with the mend */
  present(answers: readonly ChallengeAnswer[]): Promise<void>;
  /** Takes back whatever is presented. Never throws. */
  withdraw(): Promise<void>;
  /** Ends what listens. */
  stop(): void;
}

/** An answer could not be made reachable; `message` is a line with the mend. */
export class SolverFault extends Error {
  override readonly name = 'SolverFault';
  readonly code = 'acme_solver';
}
