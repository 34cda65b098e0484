import { isJsonObject } from '../../kernel/json.ts';
import { bool, oneOf, shortText, text } from './check.ts';
import { closedForm, closedForms } from './closed-form.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_ANTHROPIC } from './ignored.ts';
import { textOrKeptList } from './kept-list.ts';
import { imageUrlCheck } from './media.ts';
import { formsOf, objectOf } from './object.ts';
import { refine } from './refine.ts';
import { Refusal, invalid } from './refusal.ts';
import { freeForm } from './text-bytes.ts';

/** What to give as content. */
export const CONTENT_HINT = 'Give a text or a list of blocks such as {"type":"text","text":"…"}.';

const block = (word: string, rows: Members): Check =>
  objectOf(
    { type: { policy: 'pass', type: oneOf(word), isRequired: true }, cache_control: IGNORED_OF_ANTHROPIC, ...rows },
    `Give a block: {"type":"${word}", …}.`,
  );

const textBlock = block('text', {
  text: { policy: 'pass', type: text, isRequired: true },
  citations: IGNORED_OF_ANTHROPIC,
});

const base64Members = objectOf(
  {
    type: { policy: 'pass', type: oneOf('base64'), isRequired: true },
    media_type: {
      policy: 'pass',
      type: oneOf('image/png', 'image/jpeg', 'image/gif', 'image/webp'),
      isRequired: true,
    },
    data: { policy: 'pass', type: text, isRequired: true },
  },
  'Give an object with type, media_type and data.',
);
/** An image as vLLM will see it: it makes a `data:` URL of the two members, so that URL is what is judged. */
const base64Source = refine(base64Members, (source, context) => {
  const { media_type: type, data } = source as { media_type: string; data: string }; // checked above
  const judged = imageUrlCheck(`data:${type};base64,${data}`, context);
  return judged instanceof Refusal ? judged.within('data') : source;
});
const FILES = 'vLLM has no files of Anthropic.';
const imageBlock = block('image', {
  source: {
    policy: 'pass',
    isRequired: true,
    type: formsOf(
      'type',
      {
        base64: base64Source,
        // What is no data: URL the server would fetch, from inside its network too (CVE-2025-6242).
        url: objectOf(
          {
            type: { policy: 'pass', type: oneOf('url'), isRequired: true },
            url: { policy: 'pass', type: imageUrlCheck, isRequired: true },
          },
          'Give an object with type and url.',
        ),
        file: closedForm({ why: FILES, members: 'file_id', what: 'kind of source' }),
      },
      'Give {"type":"base64","media_type":"image/png","data":"…"}.',
    ),
  },
  transformations: IGNORED_OF_ANTHROPIC,
});

const UNREAD = 'vLLM does not read this kind of block.';
/** Kinds that are read nowhere. */
const UNREAD_BLOCKS = closedForms(
  'document search_result container_upload server_tool_use web_search_tool_result web_fetch_tool_result ' +
    'code_execution_tool_result bash_code_execution_tool_result text_editor_code_execution_tool_result ' +
    'tool_search_tool_result advisor_tool_result mcp_tool_use mcp_tool_result mcp_tool_listing compaction fallback',
  { why: UNREAD, members: 'source content id name input tool_use_id', what: 'kind of block' },
);
/** Kinds that change which tools there are, past the checks of all tools. */
const TOOL_CHANGES = {
  tool_reference: closedForm({ why: 'Names a tool of the server.', members: 'tool_name', what: 'kind of block' }),
  ...closedForms('tool_addition tool_removal', {
    why: 'Tools of one message would pass by the checks of all tools.',
    members: 'tool',
    what: 'kind of block',
  }),
};
const closedHere = (role: string, members: string): Check =>
  closedForm({ why: `A block of the ${role}.`, members, what: 'kind of block of another role' });
const THINKING = closedHere('assistant', 'thinking signature');
const REDACTED = closedHere('assistant', 'data');
const TOOL_USE = closedHere('assistant', 'id name input');
const TOOL_RESULT = closedHere('user', 'tool_use_id content is_error');
const IMAGE = closedHere('user', 'source');

/** What Claude Code's search for tools has found. All are shown to the model anyway: their names are all that is said. */
const foundTool = refine(
  block('tool_reference', { tool_name: { policy: 'pass', type: shortText(1, 256), isRequired: true } }),
  ({ tool_name: name = '' }) => ({ type: 'text', text: name }),
);

const resultBlock = formsOf(
  'type',
  {
    text: textBlock,
    image: imageBlock,
    ...closedForms('document search_result browser_state', { why: UNREAD, what: 'kind of block' }),
    tool_reference: foundTool,
  },
  CONTENT_HINT,
);

/** A block of a message of the user. */
export const userBlock = formsOf(
  'type',
  {
    text: textBlock,
    image: imageBlock,
    tool_result: block('tool_result', {
      tool_use_id: { policy: 'pass', type: shortText(1, 256), isRequired: true },
      content: { policy: 'pass', type: textOrKeptList(resultBlock, 4096) },
      is_error: { policy: 'pass', type: bool },
      toolset_name: IGNORED_OF_ANTHROPIC,
    }),
    tool_use: TOOL_USE,
    thinking: THINKING,
    redacted_thinking: REDACTED,
    ...TOOL_CHANGES,
    ...UNREAD_BLOCKS,
  },
  CONTENT_HINT,
);

const inputCheck = freeForm((value) =>
  isJsonObject(value) ? value : invalid('Give the object that the tool was called with.'),
);
const redactedMembers: Members = {
  type: IGNORED_OF_ANTHROPIC,
  data: { policy: 'drop', why: 'Reasoning that only its author can read; vLLM skips it.' },
};
/** A block of a message of the assistant. */
export const assistantBlock = formsOf(
  'type',
  {
    text: textBlock,
    tool_use: block('tool_use', {
      id: { policy: 'pass', type: shortText(1, 256), isRequired: true },
      name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
      input: { policy: 'pass', type: inputCheck, isRequired: true },
      caller: IGNORED_OF_ANTHROPIC,
      toolset_name: IGNORED_OF_ANTHROPIC,
    }),
    thinking: block('thinking', {
      thinking: { policy: 'pass', type: text, isRequired: true },
      signature: { policy: 'drop', why: 'Seals reasoning of another model; vLLM ignores it.' },
    }),
    // Left out: older releases do not know the kind, newer ones skip it.
    redacted_thinking: Object.assign(() => undefined, { rows: redactedMembers }),
    image: IMAGE,
    tool_result: TOOL_RESULT,
    ...TOOL_CHANGES,
    ...UNREAD_BLOCKS,
  },
  CONTENT_HINT,
);

/** A block of a message of the system. */
export const systemBlock = formsOf(
  'type',
  {
    text: textBlock,
    image: IMAGE,
    tool_use: TOOL_USE,
    tool_result: TOOL_RESULT,
    thinking: THINKING,
    redacted_thinking: REDACTED,
    ...TOOL_CHANGES,
    ...UNREAD_BLOCKS,
  },
  CONTENT_HINT,
);
