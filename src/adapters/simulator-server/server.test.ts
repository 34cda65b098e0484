import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock, type Clock, type Timer } from '../../kernel/clock.ts';
import { CANARY_HEADER, CANARY_TEXT } from '../../simulator/canaries.ts';
import { misbehaviourKinds, type MisbehaviourKind } from '../../simulator/misbehaviour.ts';
import { answerText } from '../../simulator/words.ts';
import { routes } from '../../vllm/routes/index.ts';
import { startSimulator, type RunningSimulator, type StartOptions } from './server.ts';

const SIMULATED = new Set(
  (
    '/v1/chat/completions /v1/chat/completions/batch /v1/completions /v1/embeddings /v2/embed /v1/score /v1/rerank ' +
    '/v2/rerank /classify /pooling /tokenize /detokenize /v1/load_lora_adapter ' +
    '/v1/messages /v1/messages/count_tokens /v1/responses /v1/responses/{response_id} ' +
    '/v1/responses/{response_id}/cancel /v1/audio/transcriptions /v1/audio/translations ' +
    '/v1/models /health /ping /version /load /metrics*'
  ).split(' '),
);
const CHAT = '{"model":"tiny","messages":[{"role":"user","content":"hello"}],"max_tokens":4';
const STREAM = `${CHAT},"stream":true}`;

async function simulator(t: TestContext, options: Partial<StartOptions> = {}): Promise<RunningSimulator> {
  const running = await startSimulator({ host: '127.0.0.1', port: 0, chunkIntervalMs: 0, ...options });
  t.after(() => running.close());
  return running;
}

const post = (s: RunningSimulator, body: string, path = '/v1/chat/completions', headers = {}): Promise<Response> =>
  fetch(s.url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

/** Everything that arrives on a connection until it ends, and how it ended. */
async function exchange(s: RunningSimulator, bytes: string): Promise<{ text: string; ended: 'end' | 'reset' }> {
  const socket = connect(s.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  return new Promise((resolve) => {
    socket.on('end', () => resolve({ text, ended: 'end' }));
    socket.on('error', () => resolve({ text, ended: 'reset' }));
  });
}

const rawPost = (body: string, extra = ''): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Reads from a connection until what arrived fits. */
async function readUntil(socket: Socket, fits: (text: string) => boolean): Promise<string> {
  let text = '';
  while (!fits(text)) {
    const [chunk] = await once(socket, 'data');
    text += String(chunk);
  }
  return text;
}

/** An answer of a real vLLM, as it came. */
const recording = (name: string): string =>
  readFileSync(new URL(`../../simulator/recordings/${name}.http`, import.meta.url), 'latin1');

/** A clock that stands at the time of a recording. */
const at = (recorded: string): Clock => {
  const [, date = ''] = /^date: (.*)\r$/m.exec(recorded) ?? [];
  return { ...systemClock, nowMs: () => Date.parse(date) };
};

/** A clock whose timers run when the test says so. */
function manualClock(): Clock & { tick(): void } {
  let due: (() => void)[] = [];
  const timer: Timer = { cancel: () => undefined, refresh: () => undefined };
  return {
    ...systemClock,
    after: (_ms, run) => (due.push(run), timer),
    tick() {
      const now = due;
      due = [];
      for (const run of now) run();
    },
  };
}

test('every route of the catalogue that is not simulated answers 200 with a canary in head and body', async (t) => {
  const s = await simulator(t);
  const rows = routes.filter(({ path }) => !SIMULATED.has(path));
  assert.ok(rows.length > 35);
  await Promise.all(
    rows.flatMap(({ path, methods }) =>
      methods.map(async (method) => {
        const answer = await fetch(s.url + path.replace(/\{[^}]*\}|\*$/, 'x'), { method });
        assert.equal(answer.status, 200, `${method} ${path}`);
        assert.equal(answer.headers.get(CANARY_HEADER), path);
        assert.match(await answer.text(), /SIMULATOR-CANARY|"score"|"pooling"/);
      }),
    ),
  );
  assert.equal(CANARY_TEXT, 'SIMULATOR-CANARY');
});

test('no simulated route carries the canary header', async (t) => {
  const s = await simulator(t);
  for (const path of ['/v1/models', '/health', '/ping', '/version', '/load', '/metrics', '/metricsfoo']) {
    const answer = await fetch(s.url + path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get(CANARY_HEADER), null);
  }
});

test('the head is that of uvicorn, without `connection` unless the client wants to close', async (t) => {
  const s = await simulator(t, { clock: { ...systemClock, nowMs: () => 1_795_329_640_000 } });
  const { text } = await exchange(
    s,
    `GET /version HTTP/1.1\r\nHost: a\r\n\r\nGET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  const head =
    'HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 06:40:40 GMT\r\nserver: uvicorn\r\ncontent-length: 20\r\ncontent-type: application/json\r\nvary: Origin\r\n';
  const body = '\r\n{"version":"0.32.0"}';
  assert.equal(text, `${head}${body}${head}connection: close\r\n${body}`);
});

test('percent-encoded paths, absolute forms and percent-encoded guarded prefixes are read as vLLM reads them', async (t) => {
  const s = await simulator(t, { apiKey: 'secret' });
  const key = 'Authorization: bearer secret\r\nConnection: close\r\n';
  for (const [target, headers, status] of [
    ['/v1%2fmodels', key, 200],
    ['/v1/m%6fdels', key, 200],
    ['http://other.example/v1/models', key, 200],
    ['/V1/models', key, 404],
    ['/v1//models', key, 404],
    ['/%76%31/models', 'Connection: close\r\n', 401],
    ['/v1/models', 'Authorization: Basic secret\r\nConnection: close\r\n', 401],
    ['/v1/models', 'Authorization: Bearer  secret\r\nConnection: close\r\n', 401],
    ['/v1/models', 'X-Api-Key: secret\r\nConnection: close\r\n', 401],
    ['/tokenizer_info', 'Connection: close\r\n', 200],
  ] as const) {
    const { text } = await exchange(s, `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `), target);
  }
});

test('the answer to a prompt is always the same, and another one to another prompt', async (t) => {
  const s = await simulator(t);
  const say = async (prompt: string): Promise<string> => {
    const answer = await post(s, CHAT.replace('hello', prompt) + '}');
    const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
    return choices[0]?.message.content ?? '';
  };
  assert.equal(await say('one'), answerText('one', 4));
  assert.equal(await say('one'), await say('one'));
  assert.notEqual(await say('one'), await say('two'));
});

test('what is malformed is answered as recorded and listed without method', async (t) => {
  const recorded = recording('te-and-cl');
  const s = await simulator(t, { clock: at(recorded) });
  const both =
    'POST /v1/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n';
  assert.equal((await exchange(s, both)).text, recorded);
  assert.deepEqual(
    s.received().map(({ method, malformed }) => ({ method, malformed })),
    [{ method: '', malformed: true }],
  );
});

test('a connection that is reset is no malformed request', async (t) => {
  const s = await simulator(t);
  const socket = connect(s.port, '127.0.0.1');
  socket.setEncoding('latin1').write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
  await readUntil(socket, (text) => text.endsWith('}'));
  socket.resetAndDestroy();
  while (s.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    s.received().map(({ path, malformed }) => ({ path, malformed })),
    [{ path: '/version', malformed: false }],
  );
});

for (const name of ['error-500', 'error-in-stream'] as const) {
  test(`told to ${name} it answers as recorded, times and ids apart`, async (t) => {
    const recorded = recording(name);
    const s = await simulator(t, { clock: at(recorded) });
    s.misbehave({ kind: name });
    const { text } = await exchange(s, rawPost(STREAM, 'Connection: close\r\n'));
    assert.equal(text, recorded);
  });
}

test('the list of requests names credentials by hash, bodies by hash, length and keys, and can be cleared', async (t) => {
  const s = await simulator(t);
  await (await post(s, CHAT + '}', '/v1/chat/completions?a=1', { 'x-api-key': 'k', authorization: 'Bearer s' })).text();
  const listed = (await (await fetch(`${s.url}/_simulator/requests`)).json()) as ReturnType<typeof s.received>;
  assert.deepEqual(listed, s.received());
  const [request] = listed;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const headers = new Map(request?.headers);
  assert.equal(headers.get('authorization'), hash('Bearer s'));
  assert.equal(headers.get('x-api-key'), hash('k'));
  assert.equal(request?.path, '/v1/chat/completions?a=1');
  assert.equal(request?.bodySha256, hash(CHAT + '}'));
  assert.equal(request?.bodyBytes, CHAT.length + 1);
  assert.deepEqual(request?.keys, ['model', 'messages', 'max_tokens']);
  assert.equal(request?.body, undefined);
  assert.equal(request?.aborted, false);
  await fetch(`${s.url}/_simulator/requests`, { method: 'DELETE' });
  assert.deepEqual(s.received(), []);
});

test('bodies are kept where a test wants them', async (t) => {
  const s = await simulator(t, { keepBodies: true });
  await post(s, STREAM);
  assert.equal(s.received()[0]?.body, STREAM);
});

test('events are generated one by one as the time passes, and no longer when the client goes away', async (t) => {
  const clock = manualClock();
  const s = await simulator(t, { chunkIntervalMs: 20, clock });
  const socket = connect(s.port, '127.0.0.1');
  socket.write(rawPost(STREAM));
  await readUntil(socket, (text) => text.includes('"role":"assistant"'));
  clock.tick();
  await readUntil(socket, (text) => text.includes('"content":'));
  assert.equal(s.running(), 1);
  const answer = await fetch(`${s.url}/_simulator/requests`);
  assert.equal(answer.headers.get('x-simulator-running'), '1');

  const [stream] = s.received();
  assert.equal(stream?.events, 2);
  socket.destroy();
  await until(() => s.running() === 0);
  clock.tick();
  assert.equal(s.received()[0]?.events, 2);
  assert.equal(s.received()[0]?.aborted, true);
});

test('a client that closes its half of the connection gets nothing more', async (t) => {
  const s = await simulator(t, { chunkIntervalMs: 20, clock: manualClock() });
  const socket = connect({ port: s.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(rawPost(STREAM));
  await readUntil(socket, (text) => text.includes('"role":"assistant"'));
  socket.end();
  await once(socket, 'close');
  assert.equal(s.running(), 0);
  assert.equal(s.received()[0]?.aborted, true);
});

const DONE = 'data: [DONE]\n\n\r\n0\r\n\r\n';
/** What each misbehaviour does to a streaming request that wants the connection closed after it. */
const misbehaviours: Record<
  Exclude<MisbehaviourKind, 'hang' | 'hang-stream' | 'no-read' | 'slow-head' | 'slow-body'>,
  RegExp
> = {
  'cut-stream': /"content":"[a-z]+"\}[^]*\n\n\r\n$/,
  reset: /^$/,
  garbage: /^[^H]/,
  'garbage-sse': /data: <html>/,
  'leak-path-error': /^HTTP\/1.1 500 [^]*\/srv\/vllm\/[^]*10\.20\.30\.40/,
  'error-500': /^HTTP\/1.1 500 [^]*"Internal server error"/,
  'error-in-stream': /^HTTP\/1.1 200 [^]*data: \{"error": [^]*\[DONE\]/,
  'error-401': /^HTTP\/1.1 401 [^]*\{"error":"Unauthorized"\}$/,
  'error-404-model': /^HTTP\/1.1 404 [^]*Valid aliases/,
  'context-length': /^HTTP\/1.1 400 [^]*max_model_len=2048/,
  'scaling-503': /^HTTP\/1.1 503 [^]*\{"error":"The model is/,
  redirect: /^HTTP\/1.1 307 [^]*location: /,
  'huge-head': /^HTTP\/1.1 200 [^]*x-pad: a{262144}\r\n/,
  'wrong-content-length': /^HTTP\/1.1 200 [^]*content-length: \d+\r\n\r\n[^]*\[DONE\]\n\n$/,
  'huge-event': /a{1048576}/,
  'odd-headers': /set-cookie: session=upstream-secret[^]*\[DONE\]/,
  interim: /^HTTP\/1.1 103 Early Hints\r\n[^]*HTTP\/1.1 200 OK\r\n/,
  'big-answer': /content-length: 8388[67]\d\d\r\n/,
  'error-200': /^HTTP\/1.1 200 [^]*\{"error":[^]*Traceback/,
  burst: /\r\n\r\n[0-9a-f]{3}\r\ndata: [^]*\[DONE\]\n\n\r\n0\r\n\r\n$/,
  split: /\r\n\r\n1\r\nd\r\n1\r\na\r\n1\r\nt\r\n/,
  gzip: /content-encoding: gzip/,
  html: /content-type: text\/html[^]*<!doctype/,
  'close-delimited': /^HTTP\/1.1 200 OK\r\nconnection: close\r\ncontent-type: text\/event-stream[^]*\[DONE\]\n\n$/,
  'early-close': /connection: close\r\n/,
  'keep-alive-cut': /\[DONE\]/,
};
for (const [kind, expected] of Object.entries(misbehaviours)) {
  test(`told to ${kind} it does so once, and the next answer is right`, async (t) => {
    const s = await simulator(t);
    const order = await post(s, JSON.stringify({ kind, times: 1 }), '/_simulator/misbehave');
    assert.equal(order.status, 204);
    const { text, ended } = await exchange(s, rawPost(STREAM, 'Connection: close\r\n'));
    assert.match(text, expected);
    assert.equal(ended, kind === 'reset' ? 'reset' : 'end');
    assert.ok((await exchange(s, rawPost(STREAM, 'Connection: close\r\n'))).text.endsWith(DONE));
  });
}

test('every kind of misbehaviour is tested', () => {
  const others = ['hang', 'hang-stream', 'no-read', 'slow-head', 'slow-body'];
  assert.deepEqual([...Object.keys(misbehaviours), ...others].toSorted(), [...misbehaviourKinds].toSorted());
});

for (const kind of ['hang', 'no-read'] as const) {
  test(`told to ${kind} it answers nothing and notes that the client went away`, async (t) => {
    const s = await simulator(t);
    s.misbehave({ kind, path: '/v1/chat/completions' });
    const socket = connect(s.port, '127.0.0.1');
    socket.write(rawPost(STREAM));
    await until(() => s.running() === 1);
    assert.equal(socket.bytesRead, 0);
    socket.destroy();
    await until(() => s.running() === 0);
    assert.equal(s.received()[0]?.aborted, true);
    assert.equal(s.received()[0]?.status, undefined);
  });
}

test('told to hang-stream it stops after two events', async (t) => {
  const s = await simulator(t);
  s.misbehave({ kind: 'hang-stream' });
  const socket = connect(s.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(rawPost(STREAM));
  const text = await readUntil(socket, (got) => got.includes('"content":"') && got.split('data: ').length > 2);
  assert.equal(text.split('data: ').length - 1, 2);
  assert.equal(s.running(), 1);
});

for (const kind of ['slow-head', 'slow-body'] as const) {
  test(`told to ${kind} it goes on when the time has come`, async (t) => {
    const clock = manualClock();
    const s = await simulator(t, { clock });
    s.misbehave({ kind, ms: 5_000 });
    const socket = connect(s.port, '127.0.0.1');
    socket.write(rawPost(STREAM, 'Connection: close\r\n'));
    if (kind === 'slow-body') await readUntil(socket, (text) => text.includes('"role"'));
    else await until(() => s.received()[0]?.complete === true);
    clock.tick();
    const rest = await readUntil(socket, (text) => text.endsWith(DONE));
    assert.match(rest, kind === 'slow-head' ? /^HTTP\/1.1 200 / : /"content":"/);
  });
}

test('an order for a path leaves other paths alone and counts only its own', async (t) => {
  const s = await simulator(t);
  s.misbehave({ kind: 'error-500', path: '/health', times: 2 });
  assert.equal((await post(s, CHAT + '}')).status, 200);
  assert.deepEqual(
    [
      (await fetch(`${s.url}/health`)).status,
      (await fetch(`${s.url}/health`)).status,
      (await fetch(`${s.url}/health`)).status,
    ],
    [500, 500, 200],
  );
});

test('what is no order is refused with the kinds that are', async (t) => {
  const s = await simulator(t);
  for (const body of ['', '[]', '{}', '{"kind":"nope"}', '{"kind":"hang","times":0}', '{"kind":"hang","path":1}']) {
    const answer = await post(s, body, '/_simulator/misbehave');
    assert.equal(answer.status, 400, body);
    assert.deepEqual(((await answer.json()) as { kinds: string[] }).kinds, misbehaviourKinds);
  }
});

/** Waits, a turn of the loop at a time, for what is on its way through the machine's own sockets. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
