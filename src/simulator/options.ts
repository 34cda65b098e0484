/** What a simulated vLLM is started with. Everything but `models` only shapes its answers. */
export interface SimulatorOptions {
  /** Names that it serves; the first one answers where a request names none. At least one. */
  readonly models: readonly string[];
  /** Milliseconds between two events of a stream; 0 sends them without a pause. */
  readonly chunkIntervalMs: number;
  /** Tokens of an answer that is not cut by `max_tokens`. Integer >= 1. */
  readonly answerTokens: number;
  /** Context length in tokens (`--max-model-len`). */
  readonly maxModelLen: number;
  /** Version that `/version` and the fingerprints name. */
  readonly version: string;
  /** With it `/v1`, `/v2`, `/inference` and `/cohere` want `Authorization: Bearer` and this value, as `--api-key` does. */
  readonly apiKey: string | undefined;
  /**
   * Most generating requests that are computed at once, the others waiting in order (`--max-num-seqs`). Undefined: all,
   * and whole answers come at once.
   */
  readonly maxNumSeqs: number | undefined;
  /** Milliseconds until the first token, and for each token of the prompt that the prefix cache does not have; with `maxNumSeqs`. */
  readonly prefillMs: number;
  readonly prefillMsPerToken: number;
  /** Stores responses, as `VLLM_ENABLE_RESPONSES_API_STORE=1` does. */
  readonly responseStore: boolean;
}

/** What the recorded server was started with. */
export const defaultSimulatorOptions: SimulatorOptions = {
  models: ['tiny'],
  chunkIntervalMs: 20,
  answerTokens: 16,
  maxModelLen: 2048,
  version: '0.32.0',
  apiKey: undefined,
  maxNumSeqs: undefined,
  prefillMs: 0,
  prefillMsPerToken: 0,
  responseStore: true,
};

/** What an answer takes from the moment at which it is given. */
export interface AnswerContext extends SimulatorOptions {
  /** Sixteen characters, or the caller's own `X-Request-Id`: what follows the prefix of the answer's id. */
  readonly idSuffix: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
}
