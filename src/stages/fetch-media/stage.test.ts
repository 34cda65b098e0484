import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { settableClock } from '../../../test/support/clock.ts';
import type { InferenceRequest, MediaUrl, RouteFamily } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Counters } from '../../limits/counters.ts';
import { createBodyCheck } from '../../vllm/fields/body.ts';
import type { BodyKind } from '../../vllm/fields/field.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { PNG, caller, defaultCaps } from '../../vllm/fields/testing.fixture.ts';
import { patches } from '../../vllm/patches/index.ts';
import { createPatchCheck, type PatchCheck } from '../../vllm/patches/patch.ts';
import type { MediaAnswer, MediaAsk } from './media-source.ts';
import { createFetchMedia } from './stage.ts';

const PNG_BYTES = Buffer.from(PNG.slice(PNG.indexOf(',') + 1), 'base64');
const HOSTS = ['img.example.org', '*.cdn.example.org:8443'];
const URL_A = 'https://img.example.org/a.png';
const URL_B = 'https://img.example.org/b.png';
const NOT_FETCHED =
  'The medium could not be fetched. Check that the URL answers with the image itself, or send it as a data URL.';

const image = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } });
const chat = (...content: JsonObject[]): JsonObject => ({ model: 'm', messages: [{ role: 'user', content }] });

function requestOf(kind: BodyKind, body: JsonObject, mediaBytes = defaultCaps.mediaBytes): InferenceRequest {
  const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower', remoteMedia: { hosts: HOSTS } });
  const caps = { ...defaultCaps, mediaBytes, images: 64 };
  const request = check(body, JSON.stringify(body).length, caller({ caps }));
  assert.ok(!(request instanceof Refusal), request instanceof Refusal ? `${request.path} ${request.message}` : '');
  return request;
}

interface Asked {
  readonly url: MediaUrl;
  readonly ask: MediaAsk;
  answer(answer: MediaAnswer): void;
}

/** What a test changes of the stage's surroundings. */
interface Change {
  readonly kind?: BodyKind;
  readonly mediaBytes?: number;
  readonly patchCheck?: PatchCheck;
  readonly isUsable?: boolean;
  readonly isFull?: boolean;
  /** Requests are of principals of their own. */
  readonly isAnyPrincipal?: boolean;
  readonly isDryRun?: boolean;
  /** Answers at once; without it a test answers by hand. */
  readonly answers?: Readonly<Record<string, MediaAnswer>>;
}

function setUp(body: JsonObject, change: Change = {}) {
  const asked: Asked[] = [];
  const clock = settableClock();
  const peer = fakeDownstream();
  const cuts = new Set<(denial: Denial) => void>();
  let held = 0;
  const counters: Counters = {
    keyOf: (name) => ({ hi: 0, lo: 1, name }),
    spend(asks) {
      const [one] = asks;
      assert.ok(one?.kind === 'concurrency');
      const standing = { name: one.name, limit: one.limit, remaining: 0, windowS: 0, resetMs: 0 };
      if (change.isFull === true || (held >= one.limit && change.isAnyPrincipal !== true))
        return { kind: 'refused', ask: one, retryAfterMs: 0, standing };
      held++;
      return { kind: 'spent', standings: [], holds: [] };
    },
    settle: () => void held--,
    extend: () => undefined,
    progress: () => undefined,
    standing: () => assert.fail(),
  };
  const stage = createFetchMedia({
    source: {
      get: (url, ask) =>
        new Promise((resolve) => {
          ask.signal.addEventListener('abort', () => resolve({ kind: 'failed' }));
          const answer = (one: MediaAnswer): void => {
            // As an adapter does: what is there is taken before it is kept.
            if (one.kind !== 'body') return resolve(one);
            if (one.bytes.length > ask.room()) return resolve({ kind: 'too-large' });
            resolve(ask.take(one.bytes.length) ? one : { kind: 'no-room' });
          };
          asked.push({ url, ask, answer });
          const known = change.answers?.[url.canonical];
          if (known !== undefined) answer(known);
        }),
    },
    counters,
    clock,
    patchCheckOf: () => change.patchCheck ?? (() => undefined),
    isUsable: () => change.isUsable ?? true,
    onRevoked(_, cut) {
      cuts.add(cut);
      return () => void cuts.delete(cut);
    },
  });
  const kind = change.kind ?? 'chat';
  const request = requestOf(kind, body, change.mediaBytes);
  const x = exchange(peer, {
    request,
    principal: alice,
    route: { id: kind, family: kind satisfies RouteFamily, method: 'POST', path: '/', scope: 'inference:chat' },
  });
  Object.assign(x, { sentBody: undefined, isDryRun: change.isDryRun ?? false });
  const decided = stage.decide?.(x);
  return { stage, x, asked, clock, peer, cuts, decided, held: () => held };
}

const body = (bytes: Buffer): MediaAnswer => ({ kind: 'body', bytes });
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const said = (denial: Denial | undefined): string =>
  denial === undefined ? 'allowed' : `${denial.code} ${denial.param ?? ''}`.trim();

for (const { kind, from, to } of [
  { kind: 'chat', from: chat(image(URL_A)), to: ['messages', 0, 'content', 0, 'image_url', 'url'] },
  {
    kind: 'chat',
    from: chat({ type: 'image_url', image_url: URL_A }),
    to: ['messages', 0, 'content', 0, 'image_url'],
  },
  {
    kind: 'responses',
    from: { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image', image_url: URL_A }] }] },
    to: ['input', 0, 'content', 0, 'image_url'],
  },
  {
    kind: 'messages',
    from: {
      model: 'm',
      max_tokens: 5,
      messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: URL_A } }] }],
    },
    to: ['messages', 0, 'content', 0, 'source', 'url'],
  },
  {
    kind: 'chat-batch',
    from: { model: 'm', messages: [[{ role: 'user', content: [image(URL_A)] }]] },
    to: ['messages', 0, 0, 'content', 0, 'image_url', 'url'],
  },
  { kind: 'cohere-embed', from: { model: 'm', input_type: 'x', images: [URL_A] }, to: ['images', 0] },
  {
    kind: 'score',
    from: { model: 'm', queries: { content: [image(URL_A)] }, documents: 'a' },
    to: ['queries', 'content', 0, 'image_url', 'url'],
  },
] satisfies readonly { kind: BodyKind; from: JsonObject; to: (string | number)[] }[]) {
  test(`of ${kind} upstream gets the bytes at ${to.join('.')}, and nowhere a URL`, async () => {
    const { x, decided } = setUp(from, { kind, answers: { [URL_A]: body(PNG_BYTES) } });
    assert.equal(await decided, undefined);
    let value: unknown = x.sentBody;
    for (const step of to) value = (value as Record<string | number, unknown>)[step];
    assert.equal(value, PNG);
    assert.doesNotMatch(JSON.stringify(x.sentBody), /https?:/);
    assert.doesNotMatch(JSON.stringify(x.request.body), /https?:|base64/, 'the checked body keeps its placeholder');
  });
}

test('a request without such URLs goes on at once, with the body as it is', () => {
  const { x, decided, asked } = setUp(chat(image(PNG)));
  assert.equal(decided, undefined);
  assert.equal(x.sentBody, x.request.body);
  assert.equal(asked.length, 0);
});

test('a text that is a URL of a listed host, or the placeholder, stays what it is', async () => {
  const texts = [URL_A, 'data:,not-fetched'].map((text) => ({ type: 'text', text }));
  const { x, decided } = setUp(chat(...texts, image(URL_A)), { answers: { [URL_A]: body(PNG_BYTES) } });
  assert.equal(await decided, undefined);
  assert.deepEqual(x.sentBody.messages, [{ role: 'user', content: [...texts, image(PNG)] }]);
});

test('a URL that stands in several places is fetched once, and each place counts', async () => {
  const thrice = chat(image(URL_A), image(URL_A), image('HTTPS://img.example.org:443/a.png'));
  const answers = { [URL_A]: body(PNG_BYTES) };
  const good = setUp(thrice, { answers, mediaBytes: PNG_BYTES.length * 3 });
  assert.equal(await good.decided, undefined);
  assert.equal(good.asked.length, 1);
  assert.equal(JSON.stringify(good.x.sentBody).split(PNG).length, 4);
  const over = setUp(thrice, { answers, mediaBytes: PNG_BYTES.length * 3 - 1 });
  assert.equal(said((await over.decided) ?? undefined), 'value_out_of_range messages[0].content[0].image_url');
});

for (const { mediaBytes, verdict } of [
  { mediaBytes: PNG_BYTES.length * 3, verdict: 'allowed' },
  { mediaBytes: PNG_BYTES.length * 3 - 1, verdict: 'value_out_of_range messages[0].content[2].image_url' },
]) {
  test(`media that come with the request and fetched ones together are ${verdict} at ${mediaBytes} bytes`, async () => {
    const answers = { [URL_A]: body(PNG_BYTES), [URL_B]: body(PNG_BYTES) };
    const { decided } = setUp(chat(image(PNG), image(URL_A), image(URL_B)), { answers, mediaBytes });
    assert.equal(said((await decided) ?? undefined), verdict);
  });
}

for (const { sent, places, verdict } of [
  { sent: 0, places: 2, verdict: 'allowed' },
  { sent: 0, places: 3, verdict: 'value_out_of_range messages[0].content[0].image_url' },
  { sent: 1, places: 1, verdict: 'allowed' },
  { sent: 1, places: 2, verdict: 'value_out_of_range messages[0].content[1].image_url' },
]) {
  test(`${sent} images of 40 megapixels that come with a request and ${places} places of a fetched one are ${verdict}`, async () => {
    const large = gif(6324);
    const own = Array.from({ length: sent }, () => image(`data:image/gif;base64,${large.toString('base64')}`));
    const fetched = Array.from({ length: places }, () => image(URL_A));
    const { decided } = setUp(chat(...own, ...fetched), { answers: { [URL_A]: body(large) } });
    assert.equal(said((await decided) ?? undefined), verdict);
  });
}

test('places of one URL count against another one, too', async () => {
  const answers = { [URL_A]: body(PNG_BYTES), [URL_B]: body(PNG_BYTES) };
  const three = chat(image(URL_A), image(URL_A), image(URL_B));
  assert.equal(await setUp(three, { answers, mediaBytes: PNG_BYTES.length * 3 }).decided, undefined);
  const over = await setUp(three, { answers, mediaBytes: PNG_BYTES.length * 3 - 1 }).decided;
  assert.equal(said(over ?? undefined), 'value_out_of_range messages[0].content[2].image_url');
});

/** A GIF of so many frames of that size, as its structure says. */
function gif(side: number, frames = 1): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(side, 0);
  size.writeUInt16LE(side, 2);
  const frame = [0x2c, 0, 0, 0, 0, ...size, 0, 2, 2, 0x4c, 0x01, 0];
  const screen = [...Buffer.from('GIF89a'), ...size, 0, 0, 0];
  return Buffer.from([...screen, ...Array.from({ length: frames }, () => frame).flat(), 0x3b]);
}
for (const { name, bytes, code } of [
  { name: 'a page of HTML', bytes: Buffer.from('<!doctype html><title>x</title>'), code: 'invalid_field' },
  { name: 'an SVG', bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), code: 'invalid_field' },
  { name: 'a JPEG 2000', bytes: Buffer.from('0000000c6a5020200d0a870a', 'hex'), code: 'invalid_field' },
  {
    name: 'a page behind the first bytes of a PNG',
    bytes: Buffer.concat([PNG_BYTES.subarray(0, 8), Buffer.from('<html>')]),
    code: 'invalid_field',
  },
  { name: 'an image cut short', bytes: PNG_BYTES.subarray(0, 20), code: 'invalid_field' },
  { name: 'nothing', bytes: Buffer.alloc(0), code: 'invalid_field' },
  { name: 'a GIF of 900 megapixels', bytes: gif(30_000), code: 'value_out_of_range' },
  { name: 'an animation', bytes: gif(16, 2), code: 'value_out_of_range' },
]) {
  test(`denies ${name}, naming the field`, async () => {
    const { x, decided } = setUp(chat(image(PNG), image(URL_A)), { answers: { [URL_A]: body(bytes) } });
    const denial = (await decided) ?? undefined;
    assert.equal(said(denial), `${code} messages[0].content[1].image_url`);
    assert.doesNotMatch(denial?.message ?? '', /example|html|svg/);
    assert.equal(x.sentBody, x.request.body, 'nothing of it is sent');
  });
}

for (const [name, answer] of Object.entries<MediaAnswer>({
  'what cannot be fetched': { kind: 'failed' },
  'a redirect to another host': { kind: 'redirect', location: 'https://a.cdn.example.org:8443/a.png' },
})) {
  test(`denies ${name} in the same words`, async () => {
    const { decided } = setUp(chat(image(URL_A)), { answers: { [URL_A]: answer } });
    const denial = (await decided) ?? undefined;
    assert.equal(said(denial), 'invalid_field messages[0].content[0].image_url');
    assert.equal(denial?.message, NOT_FETCHED);
  });
}

test('denies where there is no memory for what arrives', async () => {
  const it = setUp(chat(image(URL_A)));
  await turns();
  it.peer.hasRoomForBodies = false;
  it.asked[0]?.answer(body(PNG_BYTES));
  const denial = await it.decided;
  assert.equal(said(denial ?? undefined), 'overloaded');
  assert.equal(denial?.retryAfterMs, 1000);
});

test('takes memory for what is fetched and for its base64 in every place', async () => {
  const { peer, decided } = setUp(chat(image(URL_A), image(URL_A)), { answers: { [URL_A]: body(PNG_BYTES) } });
  await decided;
  assert.equal(peer.kept, Math.ceil(PNG_BYTES.length * (1 + (2 * 4) / 3)));
});

test('denies a key that was revoked while its body came, and fetches nothing', async () => {
  const { asked, decided } = setUp(chat(image(URL_A)), { isUsable: false });
  assert.equal(said((await decided) ?? undefined), 'revoked_credential');
  assert.equal(asked.length, 0);
});

test('a key that is revoked meanwhile ends what is fetched', async () => {
  const it = setUp(chat(image(URL_A)));
  await turns();
  for (const cut of it.cuts) cut(deny('revoked_credential'));
  assert.equal(said((await it.decided) ?? undefined), 'revoked_credential');
  assert.equal(it.asked[0]?.ask.signal.aborted, true);
  assert.equal(it.cuts.size, 0);
  assert.equal(it.held(), 0);
});

test('a caller that goes away ends what is fetched; its request goes on to the end that sees to it, without a URL', async () => {
  const it = setUp(chat(image(URL_A)));
  await turns();
  it.peer.disconnect();
  assert.equal(await it.decided, undefined);
  assert.equal(it.asked[0]?.ask.signal.aborted, true);
  assert.doesNotMatch(JSON.stringify(it.x.sentBody), /https?:/);
});

test('denies media that are not there in time, naming the first that is missing', async () => {
  const it = setUp(chat(image(URL_A), image(URL_B)));
  await turns();
  it.asked[0]?.answer(body(PNG_BYTES));
  await turns();
  it.clock.advance(9_999);
  assert.equal(it.asked[1]?.ask.signal.aborted, false);
  it.clock.advance(1);
  const denial = (await it.decided) ?? undefined;
  assert.equal(said(denial), 'invalid_field messages[0].content[1].image_url');
  assert.equal(denial?.message, NOT_FETCHED);
  assert.equal(it.asked[1]?.ask.signal.aborted, true);
});

test('one medium that is refused ends the others', async () => {
  const it = setUp(chat(image(URL_A), image(URL_B)));
  await turns();
  it.asked[1]?.answer({ kind: 'failed' });
  assert.equal(said((await it.decided) ?? undefined), 'invalid_field messages[0].content[1].image_url');
  assert.equal(it.asked[0]?.ask.signal.aborted, true);
  assert.equal(it.clock.waiting(), 0);
});

test('fetches four media of a request at once, and the next when one has come', async () => {
  const urls = Array.from({ length: 6 }, (_, i) => `https://img.example.org/${i}.png`);
  const it = setUp(chat(...urls.map(image)));
  await turns();
  assert.equal(it.asked.length, 4);
  it.asked[2]?.answer(body(PNG_BYTES));
  await turns();
  assert.equal(it.asked.length, 5);
  it.peer.disconnect();
  await it.decided;
});

test('denies a principal that has too much fetched at once', async () => {
  const { asked, decided } = setUp(chat(image(URL_A)), { isFull: true });
  const denial = await decided;
  assert.equal(said(denial ?? undefined), 'concurrency_limited');
  assert.equal(denial?.retryAfterMs, 1000);
  assert.equal(asked.length, 0);
});

for (const { most, areOwn, code } of [
  { most: 8, areOwn: true, code: 'concurrency_limited' },
  { most: 64, areOwn: false, code: 'overloaded' },
]) {
  test(`denies the request after ${most} that are fetched at once${areOwn ? ' for a principal' : ''}: ${code}`, async () => {
    const it = setUp(chat(image(URL_A)), { isAnyPrincipal: !areOwn });
    const again = async (): Promise<Denial | undefined> =>
      it.stage.decide?.(exchange(fakeDownstream(), { request: it.x.request, route: it.x.route }));
    const running = Array.from({ length: most - 1 }, again);
    await turns();
    assert.equal(it.asked.length, most);
    assert.equal(said(await again()), code);
    it.peer.disconnect();
    assert.equal(await it.decided, undefined);
    const next = again();
    await turns();
    assert.equal(it.asked.length, most + 1, 'what has ended makes room');
    it.clock.advance(10_000);
    await Promise.all([...running, next]);
    assert.equal(it.held(), 0);
  });
}

test('the virtual patches look at what is sent', async () => {
  const seen: JsonObject[] = [];
  const patchCheck: PatchCheck = (_, sent) => {
    seen.push(sent);
    return createPatchCheck(patches)('chat-completions', sent);
  };
  // One pixel: a good image for the firewall, and a hole of old releases.
  const onePixel = Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=', 'base64');
  const { decided } = setUp(chat(image(URL_A)), { answers: { [URL_A]: body(onePixel) }, patchCheck });
  assert.equal(said((await decided) ?? undefined), 'advisory_blocked messages[0].content[0].image_url.url');
  assert.match(JSON.stringify(seen), /data:image\/gif;base64/);
});

test('a dry run fetches nothing and spends nothing', () => {
  const { asked, decided, x, held } = setUp(chat(image(URL_A)), { isDryRun: true });
  assert.equal(decided, undefined);
  assert.equal(asked.length + held(), 0);
  assert.equal(x.sentBody, x.request.body);
});
