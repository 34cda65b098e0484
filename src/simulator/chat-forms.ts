import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import { dataEvent, DONE_EVENT } from './plan.ts';
import { callOf, exampleText, type MadeCall, type OfferedTool, type ToolWish } from './tool-calls.ts';
import { finalUsage, fingerprint } from './usage.ts';

/** An answer whose form the request demands: a call of a tool, JSON that fits a schema, or a text given in the request. */
export type FormedAnswer =
  | { readonly kind: 'call'; readonly call: MadeCall }
  | { readonly kind: 'text'; readonly pieces: readonly string[] };

/** The form that a chat request demands; undefined where a text will do. */
export function formOf(body: LaxObject, lastText: string, idSuffix: string): FormedAnswer | undefined {
  const call = callOf(toolsOf(body['tools']), wishOf(body['tool_choice']), lastText, idSuffix);
  if (call !== undefined) return { kind: 'call', call };
  const schema = schemaOf(body);
  const text = schema === undefined ? textBetween(lastText, '<answer>', '</answer>') : exampleText(schema);
  return text === undefined ? undefined : { kind: 'text', pieces: text.match(/.{1,8}/gsu) ?? [] };
}

/** What stands between two marks, so that a test or a demonstration can have an answer that a program makes sense of. */
function textBetween(text: string, begin: string, end: string): string | undefined {
  const start = text.indexOf(begin);
  const stop = text.indexOf(end, start);
  return start === -1 || stop === -1 ? undefined : text.slice(start + begin.length, stop);
}

/** Tokens of the answer. */
export const lengthOf = (form: FormedAnswer): number => (form.kind === 'call' ? form.call : form).pieces.length;

/** How it ends. As recorded: a call that was wanted by name ends like a text. */
export const finishOf = (form: FormedAnswer): string =>
  form.kind === 'call' && !form.call.isNamed ? 'tool_calls' : 'stop';

/** The members of the message of an answer in one piece. */
export function messageOf(form: FormedAnswer): object {
  if (form.kind === 'text') return { content: form.pieces.join('') };
  const { id, name, pieces } = form.call;
  return { content: '', tool_calls: [{ id, type: 'function', function: { name, arguments: pieces.join('') } }] };
}

/** The events of a stream. */
export function* formedEvents(
  form: FormedAnswer,
  base: object,
  options: { readonly version: string; readonly promptTokens: number; readonly includeUsage: boolean },
): Generator<string> {
  const system_fingerprint = fingerprint(options.version);
  const event = (delta: object, finish_reason: string | null = null): string =>
    dataEvent({
      ...base,
      choices: [{ index: 0, delta, logprobs: null, finish_reason, token_ids: null }],
    });
  yield event({ role: 'assistant', content: '' });
  if (form.kind === 'call') {
    const { id, name, pieces } = form.call;
    yield event({ content: null, tool_calls: [{ id, type: 'function', index: 0, function: { name } }] });
    for (const piece of pieces)
      yield event({ content: null, tool_calls: [{ index: 0, function: { arguments: piece } }] });
  } else {
    for (const piece of form.pieces) yield event({ content: piece });
  }
  yield event({ content: '' }, finishOf(form));
  if (options.includeUsage) {
    const usage = finalUsage(options.promptTokens, lengthOf(form));
    yield dataEvent({ ...base, choices: [], usage, system_fingerprint });
  }
  yield DONE_EVENT;
}

function toolsOf(tools: LaxValue | undefined): OfferedTool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool) => {
    const own = isLaxObject(tool) ? tool['function'] : undefined;
    if (!isLaxObject(own) || typeof own['name'] !== 'string') return [];
    return [{ name: own['name'], schema: own['parameters'] }];
  });
}

function wishOf(choice: LaxValue | undefined): ToolWish {
  if (isLaxObject(choice)) {
    const own = choice['function'];
    return { name: isLaxObject(own) && typeof own['name'] === 'string' ? own['name'] : '' };
  }
  return choice === 'required' || choice === 'none' ? choice : 'auto';
}

/** The schema that the answer has to fit. */
function schemaOf(body: LaxObject): LaxValue | undefined {
  const format = body['response_format'];
  if (isLaxObject(format)) {
    if (format['type'] === 'json_object') return { type: 'object' };
    const named = format['json_schema'];
    if (format['type'] === 'json_schema' && isLaxObject(named)) return named['schema'] ?? { type: 'object' };
  }
  const constraint = body['structured_outputs'];
  return isLaxObject(constraint) ? constraint['json'] : undefined;
}
