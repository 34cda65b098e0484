import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { assertNever } from '../../kernel/assert-never.ts';
import { badValue, internalError, unauthorized, unknownModel } from '../../simulator/errors.ts';
import type { Misbehaviour } from '../../simulator/misbehaviour.ts';
import { dataEvent, DONE_EVENT, jsonPlan, streamPlan, textPlan, type AnswerPlan } from '../../simulator/plan.ts';
import { paceEvents, respond, writeChunk, writeHead, type Sending } from './respond.ts';

/** What a misbehaviour works on. */
export interface Victim {
  readonly res: ServerResponse;
  readonly socket: Socket;
  /** What the right answer would be. */
  readonly plan: AnswerPlan;
  readonly sending: Sending;
}

/** Answers wrongly. The request's body has been read, unless the kind is `no-read`. */
export function misbehave(order: Misbehaviour, victim: Victim): void {
  const { res, socket, plan, sending } = victim;
  const { clock } = sending;
  switch (order.kind) {
    case 'hang':
    case 'no-read':
      return;
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'garbage':
      socket.end('\x16\x03\x01 this is not HTTP\r\n\r\n');
      return;
    case 'slow-head':
      clock.after(order.ms, () => respond(res, plan, sending));
      return;
    case 'interim':
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      respond(res, plan, sending);
      return;
    case 'early-close':
      res.shouldKeepAlive = false;
      respond(res, plan, sending);
      return;
    case 'keep-alive-cut':
      res.on('finish', () => socket.destroySoon());
      respond(res, plan, sending);
      return;
    case 'cut-stream':
    case 'hang-stream':
    case 'slow-body':
    case 'burst':
    case 'split':
      misstream(order, victim);
      return;
    case 'wrong-content-length':
      miscount(order.bytes ?? 10, victim);
      return;
    case 'close-delimited': {
      const head = plan.headers.flatMap((text, i) =>
        i % 2 === 0 ? [`${text}: ${plan.headers[i + 1] ?? ''}\r\n`] : [],
      );
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n${head.join('')}\r\n${bytesOf(plan.body).toString()}`);
      return;
    }
    case 'gzip': {
      const headers = [...plan.headers, 'content-encoding', 'gzip'];
      respond(res, { ...plan, headers, body: gzipSync(bytesOf(plan.body)) }, sending);
      return;
    }
    case 'huge-head':
      respond(res, { ...plan, headers: [...plan.headers, 'x-pad', 'a'.repeat(order.bytes ?? 262_144)] }, sending);
      return;
    case 'odd-headers':
      respond(res, { ...plan, headers: [...plan.headers, ...ODD_HEADERS] }, sending);
      return;
    default:
      respond(res, wrongPlan(order, order.kind), sending);
  }
}

type PlanKind =
  | 'garbage-sse'
  | 'leak-path-error'
  | 'error-500'
  | 'error-in-stream'
  | 'error-401'
  | 'error-404-model'
  | 'context-length'
  | 'scaling-503'
  | 'redirect'
  | 'huge-event'
  | 'big-answer'
  | 'error-200'
  | 'html';

function wrongPlan({ bytes }: Misbehaviour, kind: PlanKind): AnswerPlan {
  switch (kind) {
    case 'garbage-sse':
      return streamPlan(['data: {"id":"chatcmpl-1","choices":[\n\n', 'data: <html>\n\n', DONE_EVENT]);
    case 'leak-path-error':
      return internalError(LEAK);
    case 'error-500':
      return internalError();
    case 'error-in-stream':
      return streamPlan([OPENING, ERROR_EVENT, DONE_EVENT]);
    case 'error-401':
      return unauthorized();
    case 'error-404-model':
      return unknownModel('secret-model', ['secret-alias']);
    case 'context-length':
      return badValue(
        'max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer output tokens.',
        'max_tokens',
        '5000',
      );
    case 'scaling-503':
      return jsonPlan(503, { error: 'The model is currently scaling. Please try again later.' });
    case 'redirect':
      return { status: 307, headers: ['location', 'http://127.0.0.1:1/elsewhere'], body: Buffer.alloc(0) };
    case 'huge-event':
      return streamPlan([
        OPENING,
        dataEvent({ choices: [], usage: null, pad: 'a'.repeat(bytes ?? 1_048_576) }),
        DONE_EVENT,
      ]);
    case 'big-answer':
      return jsonPlan(200, {
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
        pad: 'a'.repeat(bytes ?? 8_388_608),
      });
    case 'error-200':
      return jsonPlan(200, { error: { message: LEAK, type: 'InternalServerError', param: null, code: 500 } });
    case 'html':
      return textPlan(200, '<!doctype html><title>proxy login</title>', 'text/html');
    default:
      return assertNever(kind);
  }
}

/** The misbehaviours that concern how the body goes out. */
function misstream(order: Misbehaviour, { res, socket, plan, sending }: Victim): void {
  const { clock, entry } = sending;
  const { status, headers, body } = plan;
  const isStream = !Buffer.isBuffer(body);
  const events = isStream ? body[Symbol.iterator]() : halves(body);
  entry.status(status);
  writeHead(res, status, headers, isStream ? undefined : body.length, clock);
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const event = events.next();
      if (event.done !== true) writeChunk(res, event.value);
      entry.event();
    }
  };
  switch (order.kind) {
    case 'hang-stream':
      send(isStream ? 2 : 1);
      return;
    case 'cut-stream':
      send(isStream ? 2 : 1);
      socket.end(); // a clean end of the connection, without the final chunk
      return;
    case 'slow-body':
      send(1);
      clock.after(order.ms, () => paceEvents(res, events, sending));
      return;
    case 'burst':
      res.end([...iterate(events)].join(''));
      return;
    default:
      for (const byte of Buffer.from([...iterate(events)].join(''))) writeChunk(res, Buffer.of(byte));
      res.end();
  }
}

/** Announces another length than it sends. */
function miscount(extra: number, { socket, plan, sending }: Victim): void {
  const bytes = bytesOf(plan.body);
  sending.entry.status(200);
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length + extra}\r\n\r\n`);
  socket.end(bytes);
}

function* halves(body: Buffer): Generator<string> {
  const middle = body.length >> 1;
  yield body.toString('latin1', 0, middle);
  yield body.toString('latin1', middle);
}

function* iterate(events: Iterator<string>): Generator<string> {
  for (let event = events.next(); event.done !== true; event = events.next()) yield event.value;
}

function bytesOf(body: AnswerPlan['body']): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from([...body].join(''));
}

const OPENING = dataEvent({
  id: 'chatcmpl-a196dfa0caa8030f',
  object: 'chat.completion.chunk',
  created: 1795330857,
  model: 'tiny',
  choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
  prompt_token_ids: null,
  prompt_text: null,
});
/** As recorded: written by another path in vLLM, with blanks. */
const ERROR_EVENT =
  'data: {"error": {"message": "Internal server error", "type": "InternalServerError", "param": null, "code": 500}}\n\n';
const LEAK =
  'Traceback (most recent call last):\n  File "/srv/vllm/entrypoints/openai/serving_chat.py", line 331, in ' +
  'create_chat_completion\nConnectionError: 10.20.30.40:29500 refused; model at /srv/models/secret-model';
const ODD_HEADERS = [
  'set-cookie',
  'session=upstream-secret',
  'x-powered-by',
  'secret-framework',
  'x-internal-address',
  '10.20.30.40:8000',
  'access-control-allow-origin',
  '*',
];
