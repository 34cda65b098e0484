import { oneOf, text } from './check.ts';
import { closedForm, closedForms } from './closed-form.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { keptListOf } from './kept-list.ts';
import { imageUrlCheck } from './media.ts';
import { formsOf, objectOf } from './object.ts';
import { refine } from './refine.ts';
import { invalid } from './refusal.ts';

const HINT = 'Give a part: {"type":"input_text","text":"…"}.';

const part = (word: string, rows: Members): Check =>
  objectOf(
    {
      type: { policy: 'pass', type: oneOf(word), isRequired: true },
      prompt_cache_breakpoint: IGNORED_OF_OPENAI,
      cache_control: IGNORED_OF_OPENAI,
      ...rows,
    },
    `Give a part: {"type":"${word}", …}.`,
  );
const inputText = part('input_text', { text: { policy: 'pass', type: text, isRequired: true } });
const inputImage = part('input_image', {
  image_url: { policy: 'pass', type: imageUrlCheck, isRequired: true },
  detail: { policy: 'pass', type: oneOf('auto', 'low', 'high', 'original') },
  file_id: { policy: 'deny', why: 'vLLM has no files of OpenAI.', instead: 'image_url' },
});
const outputMembers: Members = {
  text: { policy: 'pass', type: text, isRequired: true },
  // vLLM's schema wants a list, and nothing reads what is in it.
  annotations: { policy: 'overwrite', why: 'Citations of tools that vLLM does not run.' },
  logprobs: IGNORED_OF_OPENAI,
};
/** Text of an earlier answer, in the form that vLLM's schema wants. */
const outputText = refine(part('output_text', outputMembers), (checked) => ({ ...checked, annotations: [] }));

const UNREAD = 'vLLM does not read this kind of part.';
const inputFile = closedForm({
  why: UNREAD,
  members: 'detail file_data file_id file_url filename',
  what: 'kind of part',
});

/** One part of a message's content. */
const contentPart = formsOf(
  'type',
  {
    input_text: inputText,
    input_image: inputImage,
    output_text: outputText,
    refusal: part('refusal', { refusal: { policy: 'pass', type: text, isRequired: true } }),
    input_file: inputFile,
    ...closedForms('input_audio computer_screenshot', { why: UNREAD, what: 'kind of part' }),
  },
  HINT,
);
/** One part of what a function gave. */
const resultPart = formsOf(
  'type',
  { input_text: inputText, input_image: inputImage, input_file: inputFile },
  'Give a text or a list of parts.',
);

/** Members that outputs of calls have that are closed: of a computer and of a shell. */
const closedOutputs = closedForm({
  why: 'The output of a call that is closed.',
  members: 'file_id image_url created_by outcome stderr stdout',
});

function textOrParts(item: Check): Check {
  const list = keptListOf(item, 4096);
  return (value, context) => {
    if (typeof value === 'string') return value;
    return list(value, context) ?? invalid('Give a text or a list of parts.');
  };
}

/** Content of a message: a text or a list of parts. */
export const responsesContent: Check = Object.assign(textOrParts(contentPart), { item: contentPart });

/** What a function gave: a text or a list of parts. */
export const functionOutput: Check = Object.assign(textOrParts(resultPart), {
  forms: [...(resultPart.forms ?? []), ...(closedOutputs.rows === undefined ? [] : [closedOutputs.rows])],
});
