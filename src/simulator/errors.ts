import { jsonPlan, textPlan, type AnswerPlan } from './plan.ts';
import { pythonRepr } from './python-text.ts';

/** One thing that pydantic found wrong. */
export interface ValidationProblem {
  readonly type: string;
  /** Path of the field, such as `body.temperature`. */
  readonly loc: string;
  readonly msg: string;
  /** The value that was found, as vLLM echoes it. */
  readonly input: string;
  /** Further values, already in Python's notation. */
  readonly ctx?: string;
}

/** The answer to a body that does not fit the route's model: always 400, and it repeats the input. */
export function validationError(problems: readonly ValidationProblem[]): AnswerPlan {
  const lines = problems.map(({ type, loc, msg, input, ctx }) => {
    const rest = ctx === undefined ? '' : `, 'ctx': ${ctx}`;
    return `  {'type': ${pythonRepr(type)}, 'loc': ${pythonRepr(loc)}, 'msg': ${pythonRepr(msg)}, 'input': ${pythonRepr(input)}${rest}}`;
  });
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'}:`;
  return error(400, [count, ...lines].join('\n'), 'Bad Request', problems[0]?.loc ?? null);
}

/** The answer to a media type that is not JSON. */
export function unsupportedMediaType(): AnswerPlan {
  const message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed";
  return error(400, message, 'Bad Request', null);
}

/** A refusal by a handler: 400. `param` is named in the body only. */
export function badRequest(message: string, param: string | null = null): AnswerPlan {
  return error(400, message, 'BadRequestError', param);
}

/** A refusal by a handler that names parameter and value in its text, too. */
export function badValue(message: string, param: string, value: string | undefined): AnswerPlan {
  const said = value === undefined ? '' : `, value=${value}`;
  return error(400, `${message} (parameter=${param}${said})`, 'BadRequestError', param);
}

/** The answer to a model that is not served: it lists those that are. */
export function unknownModel(model: string, models: readonly string[]): AnswerPlan {
  const message = `The model \`${model}\` does not exist. Valid aliases: ${models.join(', ')}.`;
  return error(404, message, 'NotFoundError', 'model');
}

/** The answer to the id of a response that is not stored. */
export function unknownResponse(id: string): AnswerPlan {
  return error(404, `Response with id '${id}' not found.`, 'invalid_request_error', 'response_id');
}

/** The answer to the cancelling of a response that does not run. */
export function cannotCancel(): AnswerPlan {
  return error(400, 'Cannot cancel a synchronous response.', 'invalid_request_error', 'response_id');
}

/** The answer to a response in the background where none are stored. */
export function noResponseStore(): AnswerPlan {
  const message =
    'This vLLM engine does not support `store=True` and therefore does not support the background mode. To enable these features, set the environment variable `VLLM_ENABLE_RESPONSES_API_STORE=1` when launching the vLLM server.';
  return error(400, message, 'invalid_request_error', 'background');
}

/** What a failure inside of vLLM looks like. */
export function internalError(message = 'Internal server error'): AnswerPlan {
  return error(500, message, 'InternalServerError', null);
}

/** The answer to bytes that are no JSON text of any encoding, or too deep. */
export function unparseableBody(): AnswerPlan {
  return jsonPlan(400, { detail: 'There was an error parsing the body' });
}

/** The router's answer to a path that it does not have. */
export function notFound(): AnswerPlan {
  return jsonPlan(404, { detail: 'Not Found' });
}

/** The router's answer to a method that a path does not have. */
export function methodNotAllowed(methods: readonly string[]): AnswerPlan {
  return jsonPlan(405, { detail: 'Method Not Allowed' }, ['allow', methods.join(', ')]);
}

/** The key check's answer: another shape, and outside the CORS layer. */
export function unauthorized(): AnswerPlan {
  return { status: 401, headers: ['content-type', 'application/json'], body: Buffer.from('{"error":"Unauthorized"}') };
}

/** The answer to a preflight: no origin is allowed by default. */
export function disallowedOrigin(requestedHeaders: string | undefined): AnswerPlan {
  const allowed = requestedHeaders === undefined ? [] : ['access-control-allow-headers', requestedHeaders];
  return {
    ...textPlan(400, 'Disallowed CORS origin', 'text/plain; charset=utf-8'),
    headers: [
      'vary',
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network',
      'access-control-allow-methods',
      'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY',
      'access-control-max-age',
      '600',
      ...allowed,
      'content-type',
      'text/plain; charset=utf-8',
    ],
  };
}

function error(code: number, message: string, type: string, param: string | null): AnswerPlan {
  return jsonPlan(code, { error: { message, type, param, code } });
}
