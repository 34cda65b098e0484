import { Buffer } from 'node:buffer';
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import type { MediaAnswer, MediaSource } from '../../src/stages/fetch-media/media-source.ts';
import { PNG } from '../../src/vllm/fields/testing.fixture.ts';
import type { Dice } from './dice.ts';
import { MARK } from './good-bodies.ts';

/** The host that is listed where media are fetched. */
export const REMOTE_HOST = 'img.example.org';
const ORIGIN = `https://${REMOTE_HOST}`;
const PNG_BYTES = Buffer.from(PNG.slice(PNG.indexOf(',') + 1), 'base64');

const ANSWERS: Readonly<Record<string, MediaAnswer>> = {
  good: { kind: 'body', bytes: PNG_BYTES },
  moved: { kind: 'redirect', location: `/${MARK}good` },
  away: { kind: 'redirect', location: 'https://other.example/good' },
  page: { kind: 'body', bytes: Buffer.from('<!doctype html>') },
  none: { kind: 'failed' },
};
const URLS = [`${ORIGIN}/${MARK}good`, `${ORIGIN}/${MARK}moved`].concat(
  ['away', 'page', 'none'].map((path) => `${ORIGIN}/${MARK}${path}`),
  [
    `http://${REMOTE_HOST}/`,
    `${ORIGIN}:8443/`,
    `${ORIGIN}@10.0.0.1/`,
    `${ORIGIN}\\@10.0.0.1/`,
    `${ORIGIN}.evil.example/`,
  ],
  ['https://10.0.0.1/', 'https://0x7f.1/', 'https://[::1]/', `//${REMOTE_HOST}/`, 'data:,not-fetched'],
);

/** A source that answers by the path of the URL. */
export const remoteSource: MediaSource = {
  get({ path }, ask) {
    const answer = ANSWERS[path.slice(1 + MARK.length)] ?? { kind: 'failed' };
    if (answer.kind !== 'body') return Promise.resolve(answer);
    if (answer.bytes.length > ask.room()) return Promise.resolve({ kind: 'too-large' });
    return Promise.resolve(ask.take(answer.bytes.length) ? answer : { kind: 'no-room' });
  },
};

/** A body with some of its images, and a few of its other texts, given by URL. */
export function withRemote(body: JsonObject, dice: Dice): JsonObject {
  const change = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') {
      if (!dice.chance(value === PNG ? 0.7 : 0.02)) return value;
      return dice.chance(0.6) ? (URLS[dice.int(0, 1)] ?? '') : dice.pick(URLS);
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(change);
    const changed: JsonObject = {};
    for (const [name, inner] of Object.entries(value)) {
      Object.defineProperty(changed, name, {
        value: change(inner),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return changed;
  };
  return change(body) as JsonObject; // of an object
}
