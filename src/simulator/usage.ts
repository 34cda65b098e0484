/** The usage of an answer in one piece. */
export function wholeUsage(prompt: number, completion: number): object {
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: null,
    completion_tokens_details: null,
  };
}

/** The usage of the last event of a stream. */
export function finalUsage(prompt: number, completion: number): object {
  return { prompt_tokens: prompt, total_tokens: prompt + completion, completion_tokens: completion };
}

/** The usage in every event of a stream that asked for `continuous_usage_stats`. */
export function continuousUsage(prompt: number, completion: number): object {
  return { ...finalUsage(prompt, completion), completion_tokens_details: null };
}

/** What vLLM says of itself in every answer. */
export function fingerprint(version: string): string {
  return `vllm-${version}-781053e2`;
}
