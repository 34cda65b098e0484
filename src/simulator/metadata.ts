import type { AnswerContext } from './options.ts';
import { jsonPlan, textPlan, type AnswerPlan } from './plan.ts';

/** Answers `GET /v1/models`: `root` is a path, as with a real server, and must not reach a caller. */
export function answerModels({ models, createdS, maxModelLen }: AnswerContext): AnswerPlan {
  const data = models.map((id, i) => ({
    id,
    object: 'model',
    created: createdS,
    owned_by: 'vllm',
    root: './chat',
    parent: null,
    max_model_len: maxModelLen,
    permission: [
      {
        id: `modelperm-${String(i).padStart(16, '0')}`,
        object: 'model_permission',
        created: createdS,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  }));
  return jsonPlan(200, { object: 'list', data });
}

/** What the engine does, and what its prefix cache has done, in tokens. */
export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
  /** Most that ever ran and waited together. */
  readonly peak: number;
  readonly queries: number;
  readonly hits: number;
}

/** Answers `GET /metrics` with a few of the recorded series. */
export function answerMetrics(
  { models: [model = ''] }: AnswerContext,
  requests: number,
  { running, waiting, queries, hits }: EngineLoad,
): AnswerPlan {
  const labels = `{engine="0",model_name="${model}"}`;
  const series = [
    ['vllm:num_requests_running', 'gauge', 'Number of requests in model execution batches.', running],
    ['vllm:num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', waiting],
    ['vllm:kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', 0],
    ['vllm:prefix_cache_queries_total', 'counter', 'Prefix cache queries, in number of queried tokens.', queries],
    ['vllm:prefix_cache_hits_total', 'counter', 'Prefix cache hits, in number of cached tokens.', hits],
    ['vllm:request_success_total', 'counter', 'Count of successfully processed requests.', requests],
  ] as const;
  const text = series.map(
    ([name, type, help, value]) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${labels} ${value.toFixed(1)}\n`,
  );
  return textPlan(200, text.join(''), 'text/plain; version=1.0.0; charset=utf-8');
}
