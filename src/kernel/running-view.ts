/** A request that upstream is answering now, as an operator sees it; nothing of what is said. */
export interface RunningView {
  readonly requestId: string;
  /** `key:Ab12Cd`, or `token:` with issuer and subject. */
  readonly holder: string;
  readonly tenant: string;
  readonly address: string;
  readonly route: string;
  readonly model: string | undefined;
  readonly isStream: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly promptTokens: number | undefined;
  /** Tokens of the answer until now, as far as upstream has told and its events show. */
  readonly outputTokens: number;
}
