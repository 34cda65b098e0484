import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import type { Caps } from './caps.ts';
import type { BodyKind } from './field.ts';
import { MAX_FETCHED } from './media.ts';
import { Refusal } from './refusal.ts';
import { PNG, caller, defaultCaps } from './testing.fixture.ts';
import { NOT_FETCHED, takeUnfetched, unfetched } from './unfetched.ts';

const HOSTS = ['img.example.org'];
const URL_A = 'https://img.example.org/a.png';
const urlAt = (path: string) => ({
  host: 'img.example.org',
  port: 443,
  path,
  canonical: `https://img.example.org${path}`,
});

function judge(
  body: JsonObject,
  { kind = 'chat', hosts = HOSTS, caps = {} }: { kind?: BodyKind; hosts?: string[]; caps?: Partial<Caps> } = {},
): InferenceRequest | string {
  const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower', remoteMedia: { hosts } });
  const request = check(body, JSON.stringify(body).length, caller({ caps: { ...defaultCaps, ...caps } }));
  return request instanceof Refusal ? `${request.code} ${request.path}` : request;
}
const image = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } });
const chat = (...content: JsonObject[]): JsonObject => ({ model: 'm', messages: [{ role: 'user', content }] });
const remoteOf = (request: InferenceRequest | string) =>
  typeof request === 'string'
    ? request
    : request.remoteMedia?.media.map(({ url, places }) => [url.canonical, ...places.map(({ path }) => path)]);

test('a URL of a listed host is noted with its places, and a placeholder stands there', () => {
  const request = judge(chat(image(URL_A), { type: 'image_url', image_url: `${URL_A}?b` }, image(PNG), image(URL_A)));
  assert.deepEqual(remoteOf(request), [
    [URL_A, 'messages[0].content[0].image_url', 'messages[0].content[3].image_url'],
    [`${URL_A}?b`, 'messages[0].content[1].image_url'],
  ]);
  assert.ok(typeof request !== 'string');
  assert.deepEqual(
    request.body['messages'],
    chat(image(NOT_FETCHED), { type: 'image_url', image_url: NOT_FETCHED }, image(PNG), image(NOT_FETCHED))['messages'],
  );
  const pngBytes = Buffer.from(PNG.slice(PNG.indexOf(',')), 'base64').length;
  assert.equal(request.remoteMedia?.capBytes, defaultCaps.mediaBytes);
  assert.equal(request.remoteMedia.maxBytes, defaultCaps.mediaBytes - pngBytes);
});

test('a place is told where the caller wrote it, also behind items that are left out', () => {
  const content = [{ type: 'input_image', image_url: URL_A }];
  const body = { model: 'm', input: [{ type: 'reasoning' }, { role: 'user', content }] };
  assert.deepEqual(remoteOf(judge(body, { kind: 'responses' })), [[URL_A, 'input[1].content[0].image_url']]);
});

test('a request that names none has nothing to fetch', () => {
  const request = judge(chat(image(PNG)));
  assert.ok(typeof request !== 'string' && request.remoteMedia === undefined);
});

for (const { name, body, options = {}, verdict } of [
  {
    name: 'with no host listed',
    body: chat(image(URL_A)),
    options: { hosts: [] },
    verdict: 'forbidden_field messages[0].content[0].image_url',
  },
  {
    name: 'in the clear with no host listed',
    body: chat(image('http://img.example.org/a.png')),
    options: { hosts: [] },
    verdict: 'forbidden_field messages[0].content[0].image_url',
  },
  {
    name: 'of a host that is not listed',
    body: chat(image('https://other.example/a.png')),
    verdict: 'forbidden_field messages[0].content[0].image_url',
  },
  {
    name: 'in the clear',
    body: chat(image('http://img.example.org/a.png')),
    verdict: 'invalid_field messages[0].content[0].image_url',
  },
  {
    name: 'of a file',
    body: chat(image('file:///img.example.org/a.png')),
    verdict: 'invalid_field messages[0].content[0].image_url',
  },
  {
    name: 'over the cap of images together with others',
    body: chat(image(PNG), image(URL_A)),
    options: { caps: { images: 1 } },
    verdict: 'value_out_of_range messages[0].content[1].image_url',
  },
  {
    name: 'where another image is over the cap of bytes',
    body: chat(image(URL_A), image(PNG)),
    options: { caps: { mediaBytes: 10 } },
    verdict: 'value_out_of_range messages[0].content[1].image_url',
  },
  {
    name: 'that is the placeholder itself',
    body: chat(image(NOT_FETCHED)),
    verdict: 'invalid_field messages[0].content[0].image_url',
  },
  {
    name: 'as a video, for those are closed',
    body: chat({ type: 'video_url', video_url: { url: URL_A } }),
    verdict: 'forbidden_field messages[0].content[0].video_url',
  },
  {
    name: 'as a sound, for those are closed',
    body: chat({ type: 'audio_url', audio_url: { url: URL_A } }),
    verdict: 'forbidden_field messages[0].content[0].audio_url',
  },
] satisfies { name: string; body: JsonObject; options?: Parameters<typeof judge>[1]; verdict: string }[]) {
  test(`a URL ${name} is ${verdict}`, () => assert.equal(remoteOf(judge(body, options)), verdict));
}

test(`${MAX_FETCHED} URLs are fetched for a request and no more, whatever its caps`, () => {
  const many = (count: number) =>
    judge(
      chat(
        ...Array.from({ length: count }, (_, i) => image(`https://img.example.org/${i}`)),
        image('https://img.example.org/0'),
      ),
      { caps: { images: 1024 } },
    );
  assert.equal(remoteOf(many(MAX_FETCHED))?.length, MAX_FETCHED);
  assert.equal(many(MAX_FETCHED + 1), `value_out_of_range messages[0].content[${MAX_FETCHED}].image_url`);
});

test('every mark that was set is taken out again, at the place where it stood', () => {
  const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<JsonValue>('text', 1, null, true),
      fc.integer({ min: 0, max: 3 }).map((n) => unfetched(urlAt(`/${n}`)) as JsonValue),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', 'url', 'image_url', '__proto__'), tie('json'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(json, { maxLength: 4 }), (list) => {
      const body: JsonObject = { list };
      const marks: string[] = [];
      const find = (value: JsonValue, steps: (string | number)[]): void => {
        if (typeof value !== 'object' || value === null) return;
        // Only a mark is of a class of its own.
        if (value.constructor?.name === 'Unfetched') marks.push(JSON.stringify(steps));
        else
          for (const [key, inner] of Object.entries(value))
            find(inner, [...steps, Array.isArray(value) ? Number(key) : key]);
      };
      find(body, []);
      const taken = takeUnfetched(body);
      const places = taken.flatMap((medium) => medium.places.map(({ steps }) => JSON.stringify(steps)));
      assert.deepEqual(places.sort(), marks.sort());
      assert.equal(new Set(taken.map(({ url }) => url.canonical)).size, taken.length);
      for (const text of places) {
        let value: unknown = body;
        for (const step of JSON.parse(text) as string[]) value = (value as Record<string, unknown>)[step];
        assert.equal(value, NOT_FETCHED);
      }
    }),
  );
});
