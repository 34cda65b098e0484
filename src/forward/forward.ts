import type { Timer } from '../kernel/clock.ts';
import type { Exchange, Has, HeldResponse, Slots } from '../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { deny, reasons, type Denial } from '../kernel/reasons.ts';
import type { Forward, Inspector, Outcome } from '../kernel/stage.ts';
import type { Upstream, UpstreamCall, UpstreamFault, UpstreamHead, UpstreamListener } from '../kernel/transport.ts';
import { endStreamWith, responseHeaders, sendDenial, type Answerable } from '../wire/answer.ts';
import { beginningOf } from '../vllm/fields/conversation.ts';
import { parseAnswer } from '../vllm/answers/parse-answer.ts';
import { promptBytesOf } from '../vllm/fields/prompt-bytes.ts';
import { streamFormOf, type StreamForm } from '../vllm/answers/stream-form.ts';
import type { ResponseIds } from '../wire/response-id.ts';
import { createSseParser, type SseParser } from '../wire/sse.ts';
import { sessionNumber } from './affinity.ts';
import { maxEventBytes } from './event-bound.ts';
import { GuardedListener } from './guard.ts';
import { checkHeld, type JudgeOutput } from './stored/check.ts';
import { denialOfHeld, unknownResponse } from './stored/refusal.ts';
import { ownAnswer } from './own-answer.ts';
import { findPlace, giveBackPlace } from './place.ts';
import { priorityOf } from './queue/priority.ts';
import { callersIds } from './stored/callers-ids.ts';
import { inspectEvent } from './stream-event.ts';
import type { AskingDeps, Target } from './targets.ts';
import { upstreamHeaders } from './upstream-head.ts';
import { denialOfUpstream, roomLeftBy } from './upstream-refusal.ts';

/** One upstream as it was configured, for requests. */
export type UpstreamTarget = Target & { readonly upstream: Upstream };

/** What the end of the chain works with. */
export interface ForwardDeps extends AskingDeps<UpstreamTarget> {
  /** The ids by which callers know their stored responses. */
  readonly responseIds: ResponseIds;
  /** Judges what a model said in a response that is to be continued. */
  readonly judgeOutput: JudgeOutput;
  readonly sseKeepAliveMs: number;
  /** Secret by which conversations are spread over servers. */
  readonly sessionKey: Uint8Array;
}

type Needs =
  | 'head'
  | 'principal'
  | 'route'
  | 'request'
  | 'sentBody'
  | 'model'
  | 'usage'
  | 'requestLimits'
  | 'tokenLimits';
/** What it takes away again, once nothing is asked anew. */
type Spends = 'request' | 'sentBody';
type Sent = Exchange & Has<Needs> & Slots<Spends>;

/** Most bytes of an answer that is no stream. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
/** Longer than it takes to read the longest prompt. */
const LATE_REFUSAL_MS = 3_000;
/** Answers come and go within moments. */
const NO_ROOM_RETRY_MS = 1000;
/** More than one read brings: it takes an event that came in several, and may wait long for its peer. */
const LARGE_BYTES = 64 * 1024;
const DONE = '[DONE]';
const NO_PLACE =
  'The model servers have no room for this request now. Try again after the time that Retry-After names.';
/**
 * Bytes of a prompt for each of its tokens, guessed for each try with a shorter output where the refusal does not name
 * the prompt: as a rule, then for dense texts. A refusal that names it ends the tries.
 */
const BYTES_A_TOKEN = [4, 2] as const;

/** The end of the chain: asks upstream, shows its answer to the inspectors and sends on what they let pass. */
export function createForward(deps: ForwardDeps): Forward<Needs, Spends> {
  let turn = 0;
  return (x, inspectorsOf, done, onFault) => new Forwarding(deps, x, inspectorsOf, done, onFault).start(turn++);
}

/** One request on its way to upstream and back. Ends exactly once, by `finish`. */
class Forwarding implements UpstreamListener {
  private readonly deps: ForwardDeps;
  private readonly x: Sent;
  private readonly inspectorsOf: (head: UpstreamHead) => readonly Inspector[];
  private readonly done: (outcome: Omit<Outcome, 'durationMs'>) => void;
  private readonly onFault: (error: unknown) => void;
  private readonly guarded: GuardedListener;
  private body: string | Buffer;
  private readonly hasBody: boolean;
  private readonly startedMs: number;
  /** When it got its place at upstream. */
  private askedMs = 0;
  private readonly keepAlive: Timer | undefined;
  private readonly forget: () => void;

  private tried: number[] = [];
  private target = -1;
  /** Answers that upstream had given to anybody when the wait for it began. */
  private answersBefore = 0;
  private call: UpstreamCall | undefined;
  /** Leaves the line for a place at an upstream, while it stands there. */
  private leave: (() => void) | undefined;
  /** Something was sent whose answer has not ended. */
  private isAtUpstream = false;
  private total: Timer | undefined;

  private status = 0;
  private firstByteMs: number | undefined;
  /** Upstream has had the request, and has not refused it: what it did has to be paid. */
  private mayHaveWorked = false;
  private isHeadSent = false;
  /** The whole answer is on its way to the peer. */
  private isAnswered = false;
  private inspectors: readonly Inspector[] = [];
  private parser: SseParser | undefined;
  private readonly form: StreamForm;
  private parts: Buffer[] = [];
  private partBytes = 0;
  private shortened = 0;
  private outputTokens: number | undefined = undefined;
  private adjusted: readonly string[];
  private events = 0;
  private sawDone = false;
  private isFinished = false;

  constructor(
    deps: ForwardDeps,
    x: Sent,
    inspectorsOf: (head: UpstreamHead) => readonly Inspector[],
    done: (outcome: Omit<Outcome, 'durationMs'>) => void,
    onFault: (error: unknown) => void,
  ) {
    this.deps = deps;
    this.x = x;
    this.inspectorsOf = inspectorsOf;
    this.done = done;
    this.onFault = onFault;
    this.guarded = new GuardedListener(this, (error) => this.failed(error));
    this.form = streamFormOf(x.route.family);
    this.adjusted = x.request.adjusted;
    this.shortenTo(x.tokenLimits.outputTokens);
    // What was validated is what is sent: the checked value, serialised anew.
    const { upload } = x.request;
    this.hasBody = x.route.family !== 'stored-response';
    this.body = upload?.bytes ?? (this.hasBody ? JSON.stringify(x.sentBody) : '');
    if (upload !== undefined) upload.bytes = undefined;
    // What was read is not needed any more; what is sent is, until upstream has it.
    x.downstream.keepBody(this.body.length);
    this.startedMs = deps.clock.monotonicMs();
    this.keepAlive = x.request.isStream ? deps.clock.after(deps.sseKeepAliveMs, () => this.sendKeepAlive()) : undefined;
    this.forget = deps.running.add(x.principal.marks, (denial) => this.refuse(denial, 'cut'), x);
    x.downstream.onDisconnect((isCut) => this.abort(isCut ? 'request_timeout' : undefined));
    x.downstream.onDrain(() => this.drained());
  }

  /** @param tieBreaker spreads requests over equal upstreams */
  start(tieBreaker: number): void {
    // The peer had gone before we came: nobody waits for an answer.
    if (this.isFinished) return;
    const { deps, x } = this;
    // Its body may have taken half a minute: a key that was revoked meanwhile must not start anything.
    if (!deps.isUsable(x.principal)) return this.refuse(deny('revoked_credential'));
    const candidates = this.candidates();
    if (candidates === undefined) return this.refuse(unknownResponse(x.route.family));
    const serving = candidates.filter((index) => !this.tried.includes(index));
    if (serving.length === 0) {
      return this.refuse(
        this.tried.length > 0 ? deny('upstream_unreachable') : deny('unknown_model', { param: 'model' }),
      );
    }
    const { tenant } = x.principal;
    const session = (): number | undefined => this.session();
    const wanted = { serving, tenant, priority: priorityOf(x.route.family), tieBreaker, session };
    const leave = findPlace(deps, wanted, {
      granted: (index) => this.begin(index),
      refused: (retryAfterMs) => this.refuse(deny('overloaded', { retryAfterMs, message: NO_PLACE })),
      failed: (error) => this.failed(error),
      none: () => this.refuse(deny('upstream_unreachable')),
    });
    // Else it may stand in another line by now.
    if (leave !== undefined) this.leave = leave;
  }

  private session(): number | undefined {
    const { route, principal, sentBody } = this.x;
    const beginning = beginningOf(route.family, sentBody);
    return beginning === undefined ? undefined : sessionNumber(this.deps.sessionKey, principal.tenant, beginning);
  }

  /** Goes on with a place at an upstream. */
  private begin(chosen: number): void {
    const { deps, x } = this;
    this.leave = undefined;
    this.target = chosen;
    const target = deps.targets[chosen];
    if (target === undefined) return this.refuse(deny('upstream_unreachable'));
    this.tried.push(chosen);
    this.answersBefore = deps.states.answers(chosen);
    this.askedMs = deps.clock.monotonicMs();
    this.total ??= deps.clock.after(target.totalMs, () => this.refuse(deny('upstream_timeout'), 'fault'));
    const { held } = x.request;
    if (held === undefined || x.route.family === 'stored-response') this.send(target);
    else this.continueFrom(held, target);
  }

  /** Sends the request once what it continues was found good. */
  private continueFrom(held: HeldResponse, target: UpstreamTarget): void {
    const { deps, x } = this;
    const { upstream, apiKey } = target;
    const headers = upstreamHeaders(x.requestId, apiKey, false, undefined, x.trace);
    const hold = (bytes: number): boolean => x.downstream.holdAnswer(bytes);
    const failed = (error: unknown): void => this.failed(error);
    this.call = checkHeld(
      { upstream, held, family: x.route.family, headers, judge: deps.judgeOutput, hold, failed },
      (verdict) => {
        if (this.isFinished) return;
        // What was read for the check is not needed any more, however long the answer takes.
        x.downstream.keepAnswer(0);
        if (verdict.kind === 'good') this.send(target);
        else if (verdict.kind === 'fault') this.fault(verdict.fault);
        else this.refuse(verdict.denial, reasons[verdict.denial.code].status < 500 ? 'denial' : 'fault');
      },
    );
  }

  /**
   * Indexes of the upstreams that may be asked. A response that is held lies in the memory of one of them, and of none
   * where that one is gone or, to go on from it, serves the model no more: undefined.
   */
  private candidates(): readonly number[] | undefined {
    const { deps, x } = this;
    const { held } = x.request;
    const serving = deps.serving(x.model, x.route.family);
    if (held === undefined) return serving;
    const index = deps.targets.findIndex(({ name }) => name === held.upstream);
    const isAble = index >= 0 && (x.route.family === 'stored-response' || serving.includes(index));
    return isAble ? [index] : undefined;
  }

  /** Sends a shorter output length than the body names, and says so. */
  private shortenTo(tokens: number | undefined): void {
    const { output } = this.x.request;
    if (tokens === undefined || output === undefined) return;
    const prefix = `${output.name}=`;
    this.x.sentBody = { ...this.x.sentBody, [output.name]: tokens };
    this.adjusted = [...this.adjusted.filter((note) => !note.startsWith(prefix)), `${prefix}${tokens}`];
  }

  private send(target: UpstreamTarget): void {
    this.mayHaveWorked = true;
    const { x, hasBody } = this;
    if (hasBody) x.content?.sent(this.body);
    this.isAtUpstream = true;
    const { held, upload, isStream } = x.request;
    const contentType = hasBody ? (upload?.contentType ?? 'application/json') : undefined;
    this.call = target.upstream.send(
      {
        method: x.route.method,
        path: held === undefined ? x.route.path : x.route.path.replace('{response_id}', held.id),
        headers: upstreamHeaders(x.requestId, target.apiKey, isStream, contentType, x.trace),
        // A POST without a body says so by its length (RFC 9110 §8.6).
        body: hasBody || x.route.method === 'POST' ? this.body : undefined,
      },
      this.guarded,
    );
  }

  /**
   * Asks once more with the output length that a refusal leaves, where the refused one was the gateway's own: a request
   * that vLLM would answer without the field is answered. Nothing was generated yet.
   */
  private retryShorter(text: string): boolean {
    const { sentBody: body } = this.x;
    const { output, upload } = this.x.request;
    const target = this.deps.targets[this.target];
    if (this.status !== 400 || output?.isOurs !== true || target === undefined || upload !== undefined) return false;
    if (this.shortened >= BYTES_A_TOKEN.length) return false;
    const before = this.outputTokens ?? body[output.name];
    const promptTokens = promptBytesOf(this.x.route.family, body) / (BYTES_A_TOKEN[this.shortened] ?? 1);
    const room = roomLeftBy(text, Math.ceil(promptTokens));
    if (room === undefined || typeof before !== 'number' || room >= before) return false;
    this.shortened++;
    this.parts = [];
    this.partBytes = 0;
    this.outputTokens = room;
    const prefix = `${output.name}=`;
    this.adjusted = this.adjusted.map((note) => (note.startsWith(prefix) ? `${prefix}${room}` : note));
    this.body = JSON.stringify({ ...body, [output.name]: room });
    this.send(target);
    return true;
  }

  head(head: UpstreamHead): void {
    this.begun(head);
    const { x } = this;
    // Only a refusal for length is asked anew. The parsed body, which counts nowhere, would else stay in memory for as
    // long as the answer takes.
    if (head.status === 400) return;
    x.sentBody = {};
    x.request = { ...x.request, body: {} };
  }

  private begun(head: UpstreamHead): void {
    const { deps, x } = this;
    this.status = head.status;
    // vLLM looks at a request before it works for it; what it refuses late it has written, and then found to be no good: a tool
    // call that the caller's own length has cut off, say.
    const isLate = deps.clock.monotonicMs() - this.askedMs >= LATE_REFUSAL_MS;
    if (head.status !== 200) this.mayHaveWorked = head.status < 500 && isLate;
    const sentBytes = x.request.isStream ? Buffer.byteLength(this.body) : 0;
    this.body = '';
    x.downstream.keepBody(0);
    if (head.status >= 500) deps.states.noteServerError(this.target, x.principal.id);
    else deps.states.noteSuccess(this.target, deps.routeIndex(x.route.id), x.principal.id);
    this.answersBefore = deps.states.answers(this.target);
    if (head.status !== 200 || ownAnswer(x) !== undefined) return;
    const type = head.header('content-type') ?? '';
    const expected = x.request.isStream ? 'text/event-stream' : 'application/json';
    // Another type could not be inspected, so it is not passed on.
    if (!type.startsWith(expected)) return this.refuse(deny('upstream_error'), 'fault');
    const ids = callersIds(x, deps.targets[this.target]?.name ?? '', deps.responseIds);
    // Last: what the others let pass is what the caller's ids are put into.
    this.inspectors = ids === undefined ? this.inspectorsOf(head) : [...this.inspectorsOf(head), ids];
    if (!x.request.isStream) return;
    this.parser = createSseParser(maxEventBytes(x, sentBytes));
    if (!this.isHeadSent) this.sendStreamHead();
  }

  chunk(bytes: Buffer): boolean {
    if (this.isFinished) return true;
    if (this.firstByteMs === undefined) this.noteFirstByte();
    if (this.parser !== undefined) return this.streamChunk(this.parser, bytes);
    const isError = this.status !== 200;
    if (isError && this.partBytes + bytes.length > MAX_ERROR_BYTES) return true;
    this.partBytes += bytes.length;
    if (this.partBytes > MAX_ANSWER_BYTES) {
      // The bound is ours, and the caller has chosen how much is answered: it is not for nothing.
      this.refuse(deny('upstream_error'), 'cut');
      return true;
    }
    // As the bodies of requests: many large answers at once must not take all memory.
    if (!this.x.downstream.holdAnswer(bytes.length)) {
      this.refuse(deny('overloaded', { retryAfterMs: NO_ROOM_RETRY_MS }));
      return true;
    }
    // The adapter's bytes are only valid during the call.
    this.parts.push(Buffer.from(bytes));
    return true;
  }

  end(): void {
    if (this.isFinished) return;
    this.isAtUpstream = false;
    if (this.status !== 200) {
      const text = this.text();
      if (this.retryShorter(text)) return;
      const { request, route } = this.x;
      const denial =
        request.held === undefined
          ? denialOfUpstream(this.status, text)
          : denialOfHeld(this.status, text, route.family);
      // What upstream refuses for the caller's own mistake is no fault of anybody's.
      return this.refuse(denial, reasons[denial.code].status < 500 ? 'denial' : 'fault');
    }
    if (this.parser === undefined) return this.answerBody();
    // A stream that just stops is no answer, and the caller must not take it for one.
    this.refuse(deny('upstream_error', { message: 'The model server ended its answer early.' }), 'fault');
  }

  fault(fault: UpstreamFault): void {
    if (this.isFinished) return;
    const { deps } = this;
    if (fault === 'timeout') deps.states.noteTimeout(this.target, this.answersBefore);
    else deps.states.noteFault(this.target);
    if (fault === 'connect') this.mayHaveWorked = false;
    if (fault === 'connect') this.isAtUpstream = false;
    if (fault === 'connect' && !this.isHeadSent) {
      // Nothing was sent, so asking another upstream cannot run the request twice.
      this.giveBack();
      return this.start(0);
    }
    const code =
      fault === 'timeout' ? 'upstream_timeout' : fault === 'connect' ? 'upstream_unreachable' : 'upstream_error';
    this.refuse(deny(code), 'fault');
  }

  private noteFirstByte(): void {
    const nowMs = this.deps.clock.monotonicMs();
    this.firstByteMs = nowMs - this.startedMs;
    // What comes in one piece tells only how long all of it took.
    if (this.parser !== undefined) this.deps.states.noteFirstByte(this.target, nowMs - this.askedMs);
  }

  /** Upstream has done its part, or will not: its place is somebody else's, however long our peer takes to read. */
  private giveBack(): void {
    if (this.target >= 0) giveBackPlace(this.deps, this.target, this.x.principal.tenant, this.isAtUpstream);
    this.target = -1;
  }

  private streamChunk(parser: SseParser, bytes: Buffer): boolean {
    const events = parser.push(bytes);
    if (events === undefined) {
      this.refuse(deny('upstream_error'), 'fault');
      return true;
    }
    let out = '';
    for (const event of events) {
      // The end that is no JSON is never shown to inspectors.
      if (event.data === DONE) {
        this.sawDone = this.form.isLast(event);
        if (this.sawDone) out += `data: ${DONE}\n\n`;
        break;
      }
      const inspected = inspectEvent(event, this.inspectors);
      if (typeof inspected !== 'string') {
        if (out !== '') this.write(out);
        const denial = inspected ?? deny('upstream_error');
        this.refuse(denial, denial.code === 'upstream_error' ? 'fault' : 'cut');
        return true;
      }
      this.events++;
      out += inspected;
      if (this.form.isLast(event)) {
        this.sawDone = true;
        break;
      }
    }
    if (out === '' && !this.sawDone) return true;
    this.keepAlive?.refresh();
    // As answers in one piece: many that are left unread at once must not take all memory.
    if (out.length > LARGE_BYTES && !this.x.downstream.holdAnswer(out.length)) {
      this.refuse(deny('overloaded', { retryAfterMs: NO_ROOM_RETRY_MS }), 'cut');
      return true;
    }
    const hasRoom = out === '' || this.write(out);
    if (this.sawDone) {
      this.isAtUpstream = false;
      this.x.downstream.end();
      this.finish({ kind: 'answer', status: 200, code: undefined });
      return true;
    }
    // A peer that does not read would let vLLM generate everything into memory. How long it may, its connection judges.
    return hasRoom;
  }

  /** Sends a part of upstream's stream. */
  private write(text: string): boolean {
    this.x.content?.answered(text);
    return this.x.downstream.write(text);
  }

  private answerBody(): void {
    this.giveBack();
    let value: JsonValue | undefined = ownAnswer(this.x) ?? parseAnswer(this.text());
    if (value === undefined || !isJsonObject(value)) return this.refuse(deny('upstream_error'), 'fault');
    for (const inspector of this.inspectors) {
      if (inspector.body === undefined) continue;
      const verdict = inspector.body(value);
      if (isDenial(verdict)) return this.refuse(verdict, verdict.code === 'upstream_error' ? 'fault' : 'denial');
      value = verdict;
    }
    const text = JSON.stringify(value);
    const headers = responseHeaders(this.x);
    headers.push('content-type', 'application/json');
    this.pushAdjusted(headers);
    // The answer counts against the caller's concurrency until it has left: its memory does, too.
    this.isAnswered = true;
    this.x.downstream.onSent(() => this.finish({ kind: 'answer', status: 200, code: undefined }));
    this.x.content?.answered(text);
    this.x.downstream.answer(200, headers, text);
  }

  private sendStreamHead(): void {
    this.isHeadSent = true;
    const headers = responseHeaders(this.x);
    headers.push('content-type', 'text/event-stream; charset=utf-8', 'x-accel-buffering', 'no');
    this.pushAdjusted(headers);
    this.x.downstream.writeHead(200, headers, undefined);
  }

  private pushAdjusted(headers: string[]): void {
    const { adjusted } = this;
    if (adjusted.length > 0) headers.push('x-sallyport-adjusted', adjusted.join(', '));
  }

  private sendKeepAlive(): void {
    if (this.isFinished) return;
    if (!this.isHeadSent) this.sendStreamHead();
    this.x.downstream.write(this.form.keepAlive);
    this.keepAlive?.refresh();
  }

  private drained(): void {
    if (this.isFinished) return;
    this.x.downstream.keepAnswer(0);
    this.call?.resume();
  }

  private abort(code: 'request_timeout' | undefined): void {
    if (this.isFinished) return;
    // vLLM stops generating only when its connection closes.
    this.call?.abort();
    this.finish({ kind: 'abort', status: this.isHeadSent ? 200 : 499, code });
  }

  /** Ends with a denial: as an answer while nothing was sent, else as the last event of the stream. */
  private refuse(denial: Denial, kind: 'denial' | 'fault' | 'cut' = 'denial'): void {
    if (this.isFinished || this.isAnswered) return;
    this.call?.abort();
    const status = this.isHeadSent ? endStream(this.x, denial, this.events) : sendWhole(this.x, denial);
    this.finish({ kind, status, code: denial.code });
  }

  /** What a callback threw at is upstream's doing, as far as anybody knows: ends the exchange so, whatever its state is. */
  private failed(error: unknown): void {
    this.onFault(error);
    if (this.isFinished) return;
    try {
      this.refuse(deny('upstream_error'), 'fault');
    } catch {
      // Told already; what is left of the exchange is ended below.
    }
    if (this.isFinished) return;
    // The answer was on its way: only the connection's end can tell the peer.
    this.call?.abort();
    this.x.downstream.destroy();
    this.finish({ kind: 'fault', status: this.isHeadSent ? 200 : 502, code: 'upstream_error' });
  }

  private finish(outcome: Pick<Outcome, 'kind' | 'status' | 'code'>): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.keepAlive?.cancel();
    this.total?.cancel();
    this.forget();
    const name = this.deps.targets[this.tried.at(-1) ?? -1]?.name;
    this.leave?.();
    this.giveBack();
    const workedMs = this.askedMs === 0 ? undefined : this.deps.clock.monotonicMs() - this.askedMs;
    const { firstByteMs, mayHaveWorked } = this;
    this.done({ ...outcome, firstByteMs, workedMs, upstream: name, mayHaveWorked });
  }

  private text(): string {
    const [first] = this.parts;
    return (this.parts.length === 1 && first !== undefined ? first : Buffer.concat(this.parts)).toString();
  }
}

function endStream(x: Answerable, denial: Denial, eventsBefore: number): number {
  endStreamWith(x, denial, eventsBefore);
  return 200;
}

function sendWhole(x: Answerable, denial: Denial): number {
  sendDenial(x, denial);
  return reasons[denial.code].status;
}

const isDenial = (verdict: JsonObject | Denial): verdict is Denial =>
  'retryAfterMs' in verdict && 'standings' in verdict;
