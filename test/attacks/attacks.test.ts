import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ReceivedRequest } from '../../src/simulator/received.ts';
import { answerText } from '../../src/simulator/words.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { parseAnswers, type Answer } from './answers.ts';
import { exchange } from './exchange.ts';
import { chat, chatBody, KEY, MEANT } from './message.ts';
import { probeMusts } from './probe-musts.ts';
import type { Vector, Verdict } from './vector.ts';
import { vectors } from './vectors/index.ts';

const all = Object.values(vectors).flat();
const BARRIER = 'barrier';
const PLAIN = { later: undefined, halfClose: false, bytewise: false } as const;
let gateway: TestGateway;
let key: string;

before(async () => {
  gateway = await startTestGateway({
    plain: true,
    config: {
      listen: { cors: { origins: ['https://app.example'] } },
      validation: { maxBodyBytes: '128KiB' },
      limits: {
        default: { requestsPerMinute: 'none', concurrency: 'none', tokensPerMinute: 'none' },
        perIp: { requestsPerMinute: 'none', failuresPerMinute: 'none', connections: 'none' },
      },
    },
  });
  ({ key } = await gateway.issue());
  assert.equal(key.length, KEY.length); // lengths in the vectors are those of the placeholder
});
after(() => gateway[Symbol.asyncDispose]());

for (const [theme, rows] of Object.entries(vectors)) {
  describe(theme, () => {
    for (const vector of rows) test(`${vector.id}: ${vector.claim}`, () => attack(vector, false));
  });
}

describe('each byte in a segment of its own', () => {
  for (const vector of all.filter(({ bytes }) => bytes.length < 2_000)) {
    test(`${vector.id}: ${vector.claim}`, () => attack(vector, true));
  }
});

test('there are at least 150 vectors, and no two have one id', () => {
  assert.ok(all.length >= 150, String(all.length));
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
});

test('every MUST of the Http11Probe suite is asked by a vector', () => {
  const asked = new Set(all.flatMap(({ probes = [] }) => probes));
  assert.deepEqual(
    probeMusts.filter((id) => !asked.has(id)),
    [],
  );
});

/** Sends a vector and the marker behind it, and judges answers and arrivals. */
async function attack({ bytes, later, halfClose, verdict }: Vector, bytewise: boolean): Promise<void> {
  gateway.simulator.clearReceived();
  const marker = `marker ${Math.random().toString(36).slice(2)}`;
  const markerBytes = chat({ body: chatBody(marker), headers: ['Connection: close'] });
  const fill = (text: string): string => text.replaceAll(KEY, key);
  const came = await exchange(gateway.port, {
    bytes: fill(bytes),
    later: later === undefined ? undefined : fill(later),
    marker: fill(markerBytes),
    halfClose: halfClose ?? false,
    bytewise,
  });
  assert.doesNotMatch(came, /simulator-canary/i, 'an answer of a closed route came back');
  const [, method = ''] = /^\s*(\S*)/.exec(bytes) ?? [];
  const answers = parseAnswers(came, [method]);
  // What was read behind a refusal would be executed after it: give it the time of a whole request.
  await exchange(gateway.port, {
    ...PLAIN,
    bytes: '',
    marker: fill(chat({ body: chatBody(BARRIER), headers: ['Connection: close'] })),
  });
  const arrived = gateway.simulator.received().filter((request) => !isOwn(request) && !request.body?.includes(BARRIER));
  assert.ok(
    arrived.every(({ malformed, complete }) => !malformed && complete),
    'upstream got a broken request',
  );

  const own = arrived.filter((request) => promptOf(request) !== marker);
  const isMarkerAnswered = judgeNext(verdict, answers, marker);
  assert.equal(
    arrived.length - own.length,
    isMarkerAnswered ? 1 : 0,
    'the marker arrived if it was answered, and once',
  );
  // A gateway that has refused may close while we still send, and its answer is then lost with the reset.
  judgeFirst(
    bytewise && verdict.kind !== 'accepted' ? { ...verdict, statuses: [...verdict.statuses, 'close'] } : verdict,
    answers[0],
  );
  if (verdict.kind === 'accepted') {
    const prompt = verdict.prompt ?? MEANT;
    assert.equal(own.length, 1, 'exactly the meant request arrives');
    assertCanonical(own[0], prompt, answers[0]);
    assert.equal(contentOf(answers[0]), answerText(prompt, 8), 'the answer is that of the meant request');
  } else {
    assert.deepEqual(own, [], 'nothing arrives upstream');
  }
}

/** Judges the answer to the vector itself. */
function judgeFirst({ statuses, code, has = [], lacks = [] }: Verdict, answer: Answer | undefined): void {
  if (answer === undefined) {
    assert.ok(statuses.includes('close'), 'closed without an answer');
    return;
  }
  assert.ok(statuses.includes(answer.status), `status ${answer.status}: ${answer.body.slice(0, 300)}`);
  if (code !== undefined) assert.equal(errorOf(answer)?.code, code);
  if (answer.status >= 400 && answer.body !== '') assert.equal(typeof errorOf(answer)?.message, 'string');
  const lines = answer.headers.map(([name, value]) => `${name}: ${value.toLowerCase()}`);
  const isThere = (wanted: string): boolean =>
    lines.some((line) =>
      wanted.includes(':') ? line.startsWith(wanted.toLowerCase()) : line.startsWith(`${wanted}:`),
    );
  for (const wanted of has) assert.ok(isThere(wanted), `the answer has no ${wanted}`);
  for (const unwanted of lacks) assert.ok(!isThere(unwanted), `the answer has ${unwanted}`);
}

/** Judges what came behind the first answer; true if the marker was answered. */
function judgeNext({ next, further = [] }: Verdict, [, ...rest]: readonly Answer[], marker: string): boolean {
  const [between, last] = [rest.slice(0, further.length), rest.slice(further.length)];
  if (next === 'closed') assert.deepEqual(last, [], 'nothing behind it is answered');
  if (next === 'answered') assert.equal(last.length, 1, 'the next request is answered');
  assert.deepEqual(
    between.map(({ status }) => status),
    further.slice(0, between.length),
  );
  assert.ok(last.length <= 1, 'no answer too many');
  if (last.length === 0) return false;
  assert.equal(last[0]?.status, 200, last[0]?.body.slice(0, 300) ?? '');
  assert.equal(contentOf(last[0]), answerText(marker, 8), 'the marker gets its own answer');
  return true;
}

/** The one form in which a chat request goes upstream. */
function assertCanonical(request: ReceivedRequest | undefined, prompt: string, answer: Answer | undefined): void {
  assert.equal(`${request?.method} ${request?.path}`, 'POST /v1/chat/completions');
  const {
    stream: _,
    stream_options: __,
    cache_salt: salt,
    ...body
  } = JSON.parse(request?.body ?? '') as Record<string, unknown>;
  assert.deepEqual(body, { model: 'tiny', messages: [{ role: 'user', content: prompt }], max_tokens: 8 });
  assert.match(String(salt), /^[A-Za-z0-9_-]{43}$/);
  const { accept, connection, ...headers }: Record<string, string> = Object.fromEntries(
    (request?.headers ?? []).map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  );
  assert.equal(request?.headers.length, 6, 'no header comes twice');
  assert.match(accept ?? '', /^(?:application\/json|text\/event-stream)$/);
  assert.equal(connection, 'keep-alive');
  assert.deepEqual(headers, {
    host: new URL(gateway.simulator.url).host,
    'content-type': 'application/json',
    'content-length': String(request?.bodyBytes),
    'x-request-id': new Map(answer?.headers).get('x-request-id'),
  });
}

/** The gateway's own look at upstream. */
function isOwn({ method, path, headers }: ReceivedRequest): boolean {
  const agent = headers.find(([name]) => name === 'user-agent')?.[1];
  return (
    method === 'GET' &&
    ['/version', '/health', '/v1/models', '/metrics'].includes(path) &&
    agent?.startsWith('sallyport/') === true
  );
}

function promptOf({ body = '' }: ReceivedRequest): string | undefined {
  const [, prompt] = /"content":"(marker [a-z0-9]+)"/.exec(body) ?? [];
  return prompt;
}

/** The text of a chat answer, in one piece or as events. */
function contentOf(answer: Answer | undefined): string {
  const body = answer?.body ?? '';
  const pattern = body.startsWith('data:')
    ? /"delta":\{[^}]*"content":"([^"]*)"/g
    : /"message":\{[^}]*"content":"([^"]*)"/g;
  return [...body.matchAll(pattern)].map(([, text]) => text).join('');
}

function errorOf(answer: Answer): { readonly code: string; readonly message: string } | undefined {
  try {
    return (JSON.parse(answer.body) as { error?: { code: string; message: string } }).error;
  } catch {
    return undefined;
  }
}
