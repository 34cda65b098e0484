import type { JsonValue } from '../../kernel/json.ts';
import { checkInputAudio, DEFAULT_AUDIO_CAPS } from '../media/audio.ts';
import { checkImageUrl, DEFAULT_MEDIA_CAPS, MAX_PIXELS_IN_ALL, TOO_MANY_PIXELS } from '../media/image.ts';
import { parseMediaUrl } from '../media/remote-url.ts';
import { oneOf, text } from './check.ts';
import { Refusal, invalid, outOfRange } from './refusal.ts';
import type { Check, FieldContext, Members } from './field.ts';
import { objectOf } from './object.ts';
import { unfetched } from './unfetched.ts';

/** What else vLLM would fetch itself, from whatever host it can reach, inside its network too (CVE-2025-6242). */
const REMOTE = new Refusal('forbidden_field', '', 'Only data: URLs are open. Send the image itself, as base64.');

/** Counts a medium and its bytes against the caller's caps; what is over is refused, as is what would come after it. */
function count(context: FieldContext, kind: 'images' | 'audios', bytes: number): Refusal | undefined {
  const { caps, media } = context;
  if (++media[kind] > caps[kind]) return outOfRange(`Send at most ${caps[kind]} ${kind}.`);
  media.bytes += bytes;
  return media.bytes > caps.mediaBytes
    ? outOfRange(`Send at most ${caps.mediaBytes} bytes of media in all.`)
    : undefined;
}

/** URLs of one request, whatever its caps: nobody shall make the gateway a flood for another one's server. */
export const MAX_FETCHED = 16;

/** An image that the gateway is to fetch. What it is will be judged when it is there, as that of a `data:` URL. */
function remoteImage(value: string, context: FieldContext): JsonValue | Refusal {
  const over = count(context, 'images', 0);
  if (over !== undefined) return over;
  const url = parseMediaUrl(value, context.mediaHosts);
  if (url instanceof Refusal) return url;
  const { remote } = context.media;
  remote.set(url.canonical, url);
  return remote.size > MAX_FETCHED ? outOfRange(`Give at most ${MAX_FETCHED} images by URL.`) : unfetched(url);
}

/** An image as a `data:` URL, looked at as far as its header; or by a URL of a host that the operator has listed. */
export const imageUrlCheck: Check = (value, context) => {
  if (typeof value !== 'string') return invalid('Give a data: URL.');
  if (!/^data:/i.test(value)) return context.mediaHosts.length === 0 ? REMOTE : remoteImage(value, context);
  // Counted first: what is over the cap is not even decoded.
  const over = count(context, 'images', 0);
  if (over !== undefined) return over;
  const facts = checkImageUrl(value, { ...DEFAULT_MEDIA_CAPS, mediaBytes: context.caps.mediaBytes });
  if (facts instanceof Refusal) return facts;
  const { caps, media } = context;
  media.bytes += facts.bytes;
  if (media.bytes > caps.mediaBytes) return outOfRange(`Send at most ${caps.mediaBytes} bytes of media in all.`);
  media.pixels += facts.width * facts.height;
  return media.pixels > MAX_PIXELS_IN_ALL ? TOO_MANY_PIXELS : value;
};

const imageMembers: Members = {
  url: { policy: 'pass', type: imageUrlCheck, isRequired: true },
  detail: { policy: 'pass', type: oneOf('auto', 'low', 'high') },
};
const imageObject = objectOf(imageMembers, 'Give an object with url.');
/** An image of OpenAI's chat format. vLLM also takes the bare URL. */
export const imageCheck: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => {
    const checked = typeof value === 'string' ? imageUrlCheck(value, context) : imageObject(value, context);
    // Both forms are named alike: the image is what is wrong.
    return checked instanceof Refusal && checked.path === 'url'
      ? new Refusal(checked.code, '', checked.message)
      : checked;
  },
  { rows: imageMembers },
);

const audioMembers: Members = {
  data: { policy: 'pass', type: text, isRequired: true },
  format: { policy: 'pass', type: text, isRequired: true },
};
const audioObject = objectOf(audioMembers, 'Give an object with data and format.');
const NO_AUDIO = new Refusal(
  'forbidden_field',
  '',
  'Audio in messages is closed. Ask the operator for the grant fields:media-audio.',
);
/** Audio of OpenAI's chat format: closed without its grant, for a small file can unpack to hours (CVE-2026-54233). */
export const audioCheck: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => {
    if (!context.grants.has('fields:media-audio')) return NO_AUDIO;
    const checked = audioObject(value, context);
    if (checked === undefined || checked instanceof Refusal) return checked;
    const facts = checkInputAudio(checked as { data: string; format: string }, {
      ...DEFAULT_AUDIO_CAPS,
      mediaBytes: context.caps.mediaBytes,
    });
    if (facts instanceof Refusal) return facts;
    return count(context, 'audios', facts.bytes) ?? checked;
  },
  { rows: audioMembers },
);
