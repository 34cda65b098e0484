import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { Refusal, invalid, oneOf, shortText } from './check.ts';
import type { Check } from './check.ts';
import type { FieldSettings } from './field.ts';
import { memberPath } from './json-path.ts';

/** Roles that OpenAI's format knows; others could reach a branch of a template that only the server should use. */
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** Members of a message that vLLM reads and that are closed, unless null or an empty list. */
const CLOSED_MEMBERS: ReadonlySet<string> = new Set([
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'reasoning',
  'reasoning_content',
  'tools',
  'task',
]);
/** Members that the SDK's own answers carry and vLLM ignores, so that an answer can be sent back as it came. */
const IGNORED_MEMBERS: ReadonlySet<string> = new Set(['annotations']);
/** Kinds of parts that vLLM reads and that are closed: media it would fetch or decode, tensors, texts of the model. */
const CLOSED_PARTS: ReadonlySet<string> = new Set([
  'image_url',
  'input_image',
  'image_pil',
  'image_embeds',
  'audio_url',
  'input_audio',
  'audio_embeds',
  'video_url',
  'video_embeds',
  'prompt_embeds',
  'file',
  'refusal',
  'thinking',
  'tool_reference',
]);

/** Members of a text part that the SDK sends and vLLM ignores. */
const IGNORED_PART_MEMBERS: ReadonlySet<string> = new Set(['prompt_cache_breakpoint', 'cache_control']);

const checkRole = oneOf(...ROLES);
const checkName = shortText(1, 256);
const checkCallId = shortText(1, 256);

/** The check of one chat message: `role`, `content` as text or text parts, `name`, `tool_call_id`. */
export function messageCheck({ unknownFields }: FieldSettings): Check {
  const dropsUnknown = unknownFields === 'drop';
  const checkPart = partCheck(dropsUnknown);

  function checkContent(value: JsonValue): JsonValue | Refusal {
    if (typeof value === 'string') return value;
    if (!Array.isArray(value) || value.length === 0) return invalid('Give a text or a list of text parts.');
    const parts: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) {
      const part = checkPart(value[i] ?? null);
      if (part instanceof Refusal) return part.within(`[${i}]`);
      parts.push(part);
    }
    return parts;
  }

  function checkMember(name: string, value: JsonValue): JsonValue | Refusal | undefined {
    switch (name) {
      case 'role':
        return checkRole(value);
      case 'content':
        return checkContent(value);
      case 'name':
        return checkName(value);
      case 'tool_call_id':
        return checkCallId(value);
      default:
        if (IGNORED_MEMBERS.has(name)) return undefined;
        if (CLOSED_MEMBERS.has(name)) return isEmptyList(value) ? undefined : closedMember();
        return dropsUnknown ? undefined : unknownMember('role, content, name and tool_call_id');
    }
  }

  return (value) => {
    if (!isJsonObject(value)) return invalid('Give a message: an object with role and content.');
    const message: JsonObject = {};
    for (const name in value) {
      const member = value[name];
      if (member === undefined || member === null) continue;
      const checked = checkMember(name, member);
      if (checked instanceof Refusal) return checked.within(memberPath('', name));
      if (checked !== undefined) message[name] = checked;
    }
    const { role } = message;
    if (role === undefined) return invalid(`Give a role: ${ROLES.join(', ')}.`, 'role');
    if (message['content'] === undefined) return invalid('Give a text or a list of text parts.', 'content');
    if (role === 'tool' && message['tool_call_id'] === undefined) {
      return invalid('A message of role tool names the call that it answers.', 'tool_call_id');
    }
    return message;
  };
}

/** The check of one part of a message's content. */
function partCheck(dropsUnknown: boolean): (value: JsonValue) => JsonObject | Refusal {
  return (value) => {
    if (!isJsonObject(value)) return invalid('Give a part: {"type":"text","text":"…"}.');
    // Read by enumeration only: what the caller did not send must not be found on a prototype.
    let type: JsonValue | undefined;
    let text: JsonValue | undefined;
    let stranger: string | undefined;
    for (const name in value) {
      if (name === 'type') type = value[name];
      else if (name === 'text') text = value[name];
      else if (value[name] !== null && !IGNORED_PART_MEMBERS.has(name)) stranger ??= name;
    }
    if (type !== 'text') return refusePart(value, type);
    if (typeof text !== 'string') return invalid('Give a text.', 'text');
    if (stranger !== undefined && !dropsUnknown) {
      return unknownMember('type and text').within(memberPath('', stranger));
    }
    return { type: 'text', text };
  };
}

function refusePart(part: JsonObject, type: JsonValue | undefined): Refusal {
  if (typeof type !== 'string' || !CLOSED_PARTS.has(type)) return invalid('Give "text".', 'type');
  const path = Object.hasOwn(part, type) ? type : 'type';
  return new Refusal('forbidden_field', path, 'Only text parts are open in this version.');
}

function closedMember(): Refusal {
  return new Refusal('forbidden_field', '', 'This field of a message is closed in this version. Leave it out.');
}

function unknownMember(known: string): Refusal {
  return new Refusal('unknown_field', '', `This field is not known here. Known are ${known}.`);
}

function isEmptyList(value: JsonValue): boolean {
  return Array.isArray(value) && value.length === 0;
}
