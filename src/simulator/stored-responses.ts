import { cannotCancel, unknownResponse } from './errors.ts';
import { jsonPlan, type AnswerPlan } from './plan.ts';
import type { ResponseStore } from './response-store.ts';

/** Answers `GET /v1/responses/{response_id}`. */
export function answerStoredResponse(path: string, store: ResponseStore): AnswerPlan {
  const id = idOf(path);
  const response = store.read(id);
  return response === undefined ? unknownResponse(id) : jsonPlan(200, response);
}

/** Answers `POST /v1/responses/{response_id}/cancel`. */
export function answerCancelResponse(path: string, store: ResponseStore): AnswerPlan {
  const id = idOf(path);
  const response = store.cancel(id);
  if (response === undefined) return unknownResponse(id);
  return response === 'ended' ? cannotCancel() : jsonPlan(200, response);
}

const idOf = (path: string): string => path.split('/')[3] ?? '';
