import type { Exchange, Has } from '../kernel/exchange.ts';
import type { Forward } from '../kernel/stage.ts';
import { responseHeaders } from '../wire/answer.ts';

/** A model as it is listed to callers. */
export interface ListedModel {
  readonly id: string;
  /** The name whose grant opens it: its own, or for an alias the one that vLLM serves. */
  readonly grantedAs: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
  readonly maxModelLen: number | undefined;
}

type Needs = 'head' | 'peer' | 'principal' | 'route' | 'requestLimits';

/** Answers `/v1/models` with the models that the caller may use now; vLLM's paths and permissions are not in it. */
export function createAnswerModels(
  listed: () => readonly ListedModel[],
  isAllowed: (x: Exchange & Has<Needs>, model: string) => boolean,
): Forward<Needs> {
  return (x, _, done) => {
    const { models } = x.principal;
    const data = listed()
      .filter(({ grantedAs }) => (models.has('*') || models.has(grantedAs)) && isAllowed(x, grantedAs))
      .map(({ id, createdS, maxModelLen }) => ({
        id,
        object: 'model',
        created: createdS,
        owned_by: 'vllm',
        ...(maxModelLen === undefined ? {} : { max_model_len: maxModelLen }),
      }));
    const text = JSON.stringify({ object: 'list', data });
    const headers = responseHeaders(x);
    headers.push('content-type', 'application/json');
    x.downstream.answer(200, headers, text);
    done({ kind: 'answer', status: 200, code: undefined, firstByteMs: undefined, upstream: undefined });
  };
}
