import { oneOf, shortText, text } from './check.ts';
import { IGNORED_OF_OTHERS } from './ignored.ts';
import { Refusal } from './refusal.ts';
import type { Check, Members } from './field.ts';
import { audioCheck, imageCheck } from './media.ts';
import { formsOf, objectOf } from './object.ts';

const cacheHints: Members = {
  cache_control: IGNORED_OF_OTHERS,
  prompt_cache_breakpoint: IGNORED_OF_OTHERS,
};
const part = (word: string, rows: Members): Check =>
  objectOf(
    { type: { policy: 'pass', type: oneOf(word), isRequired: true }, ...cacheHints, ...rows },
    `Give a part: {"type":"${word}", …}.`,
  );

/** The key under which vLLM keeps a medium: another tenant's could be reused or replaced by it, so it is made the caller's own. */
const uuid: Members = {
  uuid: { policy: 'pass', type: (value, context) => bound(shortText(1, 256)(value, context), context.bind) },
};
const bound = (checked: ReturnType<Check>, bind: (value: string) => string): ReturnType<Check> =>
  typeof checked === 'string' ? bind(checked) : checked;

/** A kind of part that vLLM reads and that nobody may send. */
function closedPart(word: string, why: string, member = word): Check {
  const rows: Members = {
    type: { policy: 'drop', why: 'Tells the kind.' },
    [member]: { policy: 'deny', why },
    ...uuid,
    ...cacheHints,
  };
  const check: Check = (value) => {
    // Where the part does not even have the member, its kind is what is closed.
    const path = [member, word].find((name) => Object.hasOwn(value as object, name)) ?? 'type';
    return new Refusal('forbidden_field', path, 'This kind of part is closed at the gateway. Leave it out.');
  };
  return Object.assign(check, { rows });
}

const TENSORS = 'Tensors that vLLM loads with torch.load (CVE-2025-62164, CVE-2025-62372).';
const FETCHED = 'vLLM would fetch it, or decode it without bound (CVE-2026-34755, CVE-2026-105758).';

/** One part of a message's content. */
export const partCheck: Check = formsOf(
  'type',
  {
    text: part('text', { text: { policy: 'pass', type: text, isRequired: true } }),
    image_url: part('image_url', { image_url: { policy: 'pass', type: imageCheck, isRequired: true }, ...uuid }),
    input_audio: part('input_audio', { input_audio: { policy: 'pass', type: audioCheck, isRequired: true }, ...uuid }),
    refusal: part('refusal', { refusal: { policy: 'pass', type: text, isRequired: true } }),
    thinking: part('thinking', {
      thinking: { policy: 'pass', type: text, isRequired: true },
      closed: { policy: 'drop', why: 'Tells whether the block has ended; it always has.' },
      signature: IGNORED_OF_OTHERS,
    }),
    audio_url: closedPart('audio_url', FETCHED),
    video_url: closedPart('video_url', FETCHED),
    input_image: closedPart('input_image', FETCHED),
    image_pil: closedPart('image_pil', 'An image object of the server.'),
    image_embeds: closedPart('image_embeds', TENSORS),
    audio_embeds: closedPart('audio_embeds', TENSORS),
    video_embeds: closedPart('video_embeds', TENSORS),
    prompt_embeds: closedPart('prompt_embeds', TENSORS, 'data'),
    file: closedPart('file', 'vLLM does not read files.'),
    tool_reference: closedPart('tool_reference', 'Names a tool of the server.', 'name'),
  },
  'Give a part: {"type":"text","text":"…"}.',
);
