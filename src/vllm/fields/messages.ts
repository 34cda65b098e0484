import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { emptyIsAbsent, listOf, oneOf, shortText, text } from './check.ts';
import { IGNORED_OF_OTHERS } from './ignored.ts';
import { jsonText } from './json-text.ts';
import { noteName } from './kept-places.ts';
import { Refusal, invalid } from './refusal.ts';
import type { Check, Members } from './field.ts';
import { objectOf } from './object.ts';
import { partCheck } from './parts.ts';

/** Roles that OpenAI's format knows; others could reach a branch of a template that only the server should use. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** Calls that one message may carry. */
const MAX_CALLS = 256;

const HARMONY = 'Belongs to the harmony format, in which a message can name its own channel.';
const ECHOED = "A field of OpenAI's own answers, so that one can be sent back as it came; vLLM ignores it.";

const callFunction: Members = {
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  arguments: { policy: 'pass', type: jsonText, isRequired: true },
};

const call: Members = {
  id: { policy: 'pass', type: shortText(1, 256) },
  type: { policy: 'pass', type: oneOf('function') },
  function: {
    policy: 'pass',
    type: objectOf(callFunction, 'Give an object with name and arguments.'),
    isRequired: true,
  },
  custom: { policy: 'deny', why: 'vLLM does not run custom tools.' },
  index: { policy: 'drop', why: ECHOED },
};

/** Text, or a list of parts. */
export const contentCheck: Check = Object.assign(
  (value: JsonValue, context: Parameters<Check>[1]) => {
    if (typeof value === 'string') return value;
    if (!Array.isArray(value)) return invalid('Give a text or a list of parts.');
    return parts(value, context);
  },
  { item: partCheck },
);
const parts = listOf(partCheck, 4096);

const members: Members = {
  role: { policy: 'pass', type: oneOf(...ROLES), isRequired: true },
  content: { policy: 'pass', type: emptyIsAbsent(contentCheck) },
  name: { policy: 'pass', type: shortText(1, 256) },
  tool_call_id: { policy: 'pass', type: shortText(1, 256) },
  tool_calls: {
    policy: 'pass',
    type: emptyIsAbsent(listOf(objectOf(call, 'Give a call: an object with id, type and function.'), MAX_CALLS)),
  },
  reasoning: { policy: 'pass', type: text },
  reasoning_content: { policy: 'pass', type: text },
  refusal: { policy: 'drop', why: `${ECHOED} It is sent as content where there is no other.` },
  annotations: { policy: 'drop', why: ECHOED },
  audio: { policy: 'drop', why: ECHOED },
  function_call: { policy: 'deny', why: 'An old form of tool_calls that vLLM does not read.', instead: 'tool_calls' },
  tools: { policy: 'deny', vllmDefault: [], why: 'Tools of one message would pass by the checks of all tools.' },
  task: { policy: 'deny', why: 'Picks a branch of a template.' },
  author: { policy: 'deny', why: HARMONY },
  channel: { policy: 'deny', why: HARMONY },
  recipient: { policy: 'deny', why: HARMONY },
  content_type: { policy: 'deny', why: HARMONY },
  // Members of one kind of part, where a client sends them on the message.
  cache_control: IGNORED_OF_OTHERS,
};
const checkMembers = objectOf(members, 'Give a message: an object with role and content.');

/** One message of OpenAI's chat format. */
export const messageCheck: Check = Object.assign(
  (value: JsonValue, context: Parameters<Check>[1]) => {
    const message = checkMembers(value, context);
    if (message === undefined || message instanceof Refusal || !isJsonObject(message)) return message;
    const isAssistant = message['role'] === 'assistant';
    if (message['tool_calls'] !== undefined && !isAssistant) {
      return invalid('Only a message of role assistant has tool calls.', 'tool_calls');
    }
    const isResult = message['role'] === 'tool';
    if (isResult && message['tool_call_id'] === undefined) {
      return invalid('A message of role tool names the call that it answers.', 'tool_call_id');
    }
    // Clients send the result of a tool that gave nothing so; of a list only an empty one is gone by now.
    if (isResult && isJsonObject(value) && Array.isArray(value['content'])) message['content'] ??= '';
    if (message['content'] === undefined && !isAssistant) return invalid('Give a text or a list of parts.', 'content');
    if (!isAssistant || hasAnswer(message)) return message;
    return noteName({ ...message, content: refusalIn(value) }, 'content', 'refusal');
  },
  { rows: members },
);

/** Whether anything of an answer is there. */
const hasAnswer = (message: JsonObject): boolean =>
  message['content'] !== undefined ||
  message['tool_calls'] !== undefined ||
  message['reasoning'] !== undefined ||
  message['reasoning_content'] !== undefined;

/** What an answer of OpenAI's without content said in its place, which vLLM does not read; nothing is an answer, too. */
function refusalIn(message: JsonValue): string {
  const refusal = isJsonObject(message) && Object.hasOwn(message, 'refusal') ? message['refusal'] : undefined;
  return typeof refusal === 'string' ? refusal : '';
}
