import { assertNever } from '../../kernel/assert-never.ts';
import type { Timer } from '../../kernel/clock.ts';
import {
  newUsage,
  type Exchange,
  type Has,
  type Principal,
  type Slots,
  type Spent,
  type Usage,
} from '../../kernel/exchange.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Forward, Outcome } from '../../kernel/stage.ts';
import type {
  Socket,
  SocketFault,
  SocketListener,
  SocketRefusal,
  UpstreamSocketListener,
  UpstreamSockets,
} from '../../kernel/transport.ts';
import type { Ask, Counters, Refused } from '../../limits/counters.ts';
import { readServerEvent } from '../../vllm/answers/realtime-event.ts';
import { clientEventText, type ClientEvent } from '../../vllm/fields/realtime.ts';
import { responseHeaders } from '../../wire/answer.ts';
import { realtimeError } from '../../wire/openai-error.ts';
import { guardedSocket, guardedUpstreamSocket } from '../guard.ts';
import type { OpenTokens, TokenSession } from './token-session.ts';
import { traceHeaders } from '../upstream-head.ts';
import { findPlace, giveBackPlace } from '../place.ts';
import { priorityOf } from '../queue/priority.ts';
import type { AskingDeps, Target } from '../targets.ts';
import { denialOfUpstream } from '../upstream-refusal.ts';
import { AUDIO_RATE, IDLE_MS, LEAST_FRAME_COST, MAX_UNCOMMITTED_BYTES, frameCost } from './bounds.ts';
import { closeCodeOf, denialOfFault } from './close.ts';

/** One upstream as it was configured, for sockets. */
export type SocketTarget = Target & { readonly sockets: UpstreamSockets };

/** What the end of the chain of `/v1/realtime` works with. */
export interface RelayDeps extends AskingDeps<SocketTarget> {
  /** Reads a frame of a caller: what is sent in its place, or why it is refused. */
  readonly readEvent: (frame: Buffer, principal: Principal) => ClientEvent | Denial;
  /** Why a caller may not, by now, ask for a model. */
  readonly denialOfModel: (x: Has<'peer' | 'principal'>, model: string) => Denial | undefined;
  readonly counters: Counters;
  readonly openTokens: OpenTokens;
  /** How long a caller may leave written bytes unread. */
  readonly writeMs: number;
}

type Needs = 'head' | 'peer' | 'principal' | 'route' | 'upgrade' | 'requestLimits';
type Learns = 'model' | 'usage';
type Upgraded = Exchange & Has<Needs> & Slots<Learns>;
type Done = (outcome: Omit<Outcome, 'durationMs'>) => void;

/** The end of the chain of `/v1/realtime`: switches to WebSocket and passes on checked events, both ways. */
export function createRelay(deps: RelayDeps): Forward<Needs, Learns> {
  let turn = 0;
  return (x, _inspectorsOf, done, onFault) => new Relay(deps, x, done, onFault, turn++).start();
}

/** Nothing of a name goes upstream that was not granted, so upstream is only asked once the first event has named it. */
type Phase = 'unnamed' | 'opening' | 'open' | 'over';

/** One session. Ends exactly once, by `finish`. */
class Relay implements SocketListener {
  private readonly deps: RelayDeps;
  private readonly x: Upgraded;
  private readonly done: Done;
  private readonly onFault: (error: unknown) => void;
  private readonly tieBreaker: number;
  private readonly startedMs: number;
  private readonly audio: Extract<Ask, { kind: 'rate' }>;
  private readonly usage: Usage = newUsage();

  private phase: Phase = 'unnamed';
  private socket: Socket | undefined;
  private upstream: Socket | undefined;
  /** Leaves the line for a place at an upstream, while it stands there. */
  private leave: (() => void) | undefined;
  private tried: number[] = [];
  private target = -1;
  /** Answers that upstream had given to anybody when it was asked. */
  private answersBefore = 0;
  /** Events that wait for the socket to upstream. */
  private waiting: string[] = [];
  /** Frames that wait for a counter's answer. */
  private held: Buffer[] | undefined;
  private tokens: TokenSession | undefined;
  private isUpstreamFull = false;
  private uncommitted = 0;
  /** Bytes of audio that upstream was sent since it told last what it had used. */
  private untold = 0;
  /** A commit was sent and no transcription has ended since. */
  private isOwed = false;
  private firstByteMs: number | undefined;
  private idle: Timer | undefined;
  private total: Timer | undefined;
  private unread: Timer | undefined;
  private forget: () => void = () => undefined;
  /** Ends the session after what was thrown at what the caller did: that is our own fault. */
  private readonly failedHere = (error: unknown): void => this.failed(error, 'internal_error');

  constructor(deps: RelayDeps, x: Upgraded, done: Done, onFault: (error: unknown) => void, tieBreaker: number) {
    this.deps = deps;
    this.x = x;
    this.done = done;
    this.onFault = onFault;
    this.tieBreaker = tieBreaker;
    this.startedMs = deps.clock.monotonicMs();
    const counter = deps.counters.keyOf(`audio:${x.principal.id}`);
    this.audio = { kind: 'rate', name: 'audio', counter, rate: AUDIO_RATE };
    x.usage = this.usage;
  }

  start(): void {
    const { deps, x } = this;
    this.socket = x.downstream.upgrade(x.upgrade.handshake, responseHeaders(x), guardedSocket(this, this.failedHere));
    this.forget = deps.running.add(x.principal.marks, (denial) => this.refuse(denial, 'cut'), x);
    this.idle = deps.clock.after(IDLE_MS, () => this.refuse(deny('request_timeout', { message: SILENT }), 'cut'));
    // Clients wait for it before they send anything; vLLM's own one, with an id of its own, is dropped.
    const created = Math.floor(x.startedAtMs / 1000);
    this.send({ type: 'session.created', id: `sess-${x.requestId}`, created });
  }

  // What the caller does.

  text(frame: Buffer): void {
    if (this.phase === 'over') return;
    if (this.held !== undefined) return void this.held.push(frame);
    // Before it is parsed: that is what a flood would cost us.
    const cost = frameCost(frame.length);
    const spent = this.deps.counters.spend([{ ...this.audio, cost }], this.deps.clock.monotonicMs());
    if (!(spent instanceof Promise)) return this.paid(spent, frame);
    this.held = [];
    this.socket?.pause();
    spent.then((result) => this.paidLate(result, frame)).catch(this.failedHere);
  }

  control(): void {
    if (this.phase === 'over') return;
    const spent = this.deps.counters.spend([{ ...this.audio, cost: LEAST_FRAME_COST }], this.deps.clock.monotonicMs());
    const judge = (result: Spent | Refused): void => {
      if (result.kind === 'refused') this.refuse(tooFast(result));
    };
    if (!(spent instanceof Promise)) return judge(spent);
    spent.then(judge).catch(this.failedHere);
  }

  fault(fault: SocketFault): void {
    if (this.phase === 'over') return;
    const denial = denialOfFault(fault);
    this.socket?.send(realtimeError(denial, this.x.requestId));
    this.upstream?.destroy();
    this.finish({ kind: 'cut', code: denial.code });
  }

  drained(): void {
    this.unread?.cancel();
    this.unread = undefined;
    this.upstream?.resume();
  }

  closed(isClean: boolean): void {
    if (this.phase === 'over') return;
    // vLLM stops transcribing only when its connection closes.
    this.upstream?.destroy();
    this.finish({ kind: isClean ? 'answer' : 'abort', code: undefined });
  }

  private paid(result: Spent | Refused, frame: Buffer): void {
    if (this.phase === 'over') return;
    if (result.kind === 'refused') return this.refuse(tooFast(result));
    const event = this.deps.readEvent(frame, this.x.principal);
    if ('type' in event) this.accept(event);
    else this.refuse(event);
  }

  private paidLate(result: Spent | Refused, frame: Buffer): void {
    const held = this.held ?? [];
    this.held = undefined;
    this.paid(result, frame);
    for (const next of held) this.text(next);
    this.readOn();
  }

  private accept(event: ClientEvent): void {
    this.idle?.refresh();
    // The session may be minutes old: a model or scope that was taken from the key meanwhile is not used any more.
    const denial = this.phase === 'unnamed' ? undefined : this.deps.denialOfModel(this.x, this.x.model ?? '');
    if (denial !== undefined) return this.refuse(denial);
    switch (event.type) {
      case 'session.update':
        return this.name(event.model, event);
      case 'input_audio_buffer.append':
        if (this.phase === 'unnamed') return this.refuse(NO_MODEL);
        this.uncommitted += event.bytes;
        this.untold += event.bytes;
        if (this.uncommitted > MAX_UNCOMMITTED_BYTES) return this.refuse(TOO_MUCH);
        return this.ask(event);
      case 'input_audio_buffer.commit':
        if (this.phase === 'unnamed') return this.refuse(NO_MODEL);
        this.uncommitted = 0;
        this.tokens?.more();
        if (this.isOver()) return;
        this.isOwed = true;
        return this.ask(event);
      default:
        return assertNever(event);
    }
  }

  private name(model: string, event: ClientEvent): void {
    const { deps, x } = this;
    const denial = deps.denialOfModel(x, model);
    if (denial !== undefined) return this.refuse(denial);
    if (this.phase === 'unnamed') {
      x.model = model;
      this.tokens = deps.openTokens(x, model, (full) => this.refuse(full));
      if (this.isOver()) return;
      this.ask(event);
      return this.open();
    }
    // The socket is one to the server of the first model, and so are the limits and the price that it counts by.
    if (model !== x.model) return this.refuse(OTHER_MODEL);
    this.ask(event);
  }

  /** Asked where something that was called may have ended it. */
  private isOver(): boolean {
    return this.phase === 'over';
  }

  /** Sends a checked event to upstream, or keeps it until the socket stands. */
  private ask(event: ClientEvent): void {
    const text = clientEventText(event);
    if (this.phase !== 'open' || this.upstream === undefined) return void this.waiting.push(text);
    if (this.upstream.send(text) || this.isUpstreamFull) return;
    this.isUpstreamFull = true;
    this.socket?.pause();
  }

  /** Reads on unless something has to happen first. */
  private readOn(): void {
    if (this.phase !== 'opening' && !this.isUpstreamFull && this.held === undefined) this.socket?.resume();
  }

  // What upstream does.

  private open(): void {
    const { deps, x } = this;
    this.phase = 'opening';
    this.socket?.pause();
    const model = x.model ?? '';
    // The session may be minutes old: a key that was revoked meanwhile must not start anything.
    if (!deps.isUsable(x.principal)) return this.refuse(deny('revoked_credential'));
    const serving = deps.serving(model, x.route.family).filter((index) => !this.tried.includes(index));
    if (serving.length === 0) {
      if (this.tried.length > 0) return this.refuse(deny('upstream_unreachable'), 'fault');
      return this.refuse(deny('unknown_model', { param: 'model' }));
    }
    const { tenant } = x.principal;
    const wanted = {
      serving,
      tenant,
      priority: priorityOf(x.route.family),
      tieBreaker: this.tieBreaker,
      session: noSession,
    };
    const leave = findPlace(deps, wanted, {
      granted: (index) => this.begin(index),
      refused: (retryAfterMs) => this.refuse(deny('overloaded', { retryAfterMs })),
      failed: this.failedHere,
      none: () => this.refuse(deny('upstream_unreachable'), 'fault'),
    });
    // Else it may stand in another line by now.
    if (leave !== undefined) this.leave = leave;
  }

  /** Goes on with a place at an upstream. */
  private begin(chosen: number): void {
    const { deps, x } = this;
    this.leave = undefined;
    this.target = chosen;
    const target = deps.targets[chosen];
    if (target === undefined) return this.refuse(deny('upstream_unreachable'), 'fault');
    this.tried.push(chosen);
    this.answersBefore = deps.states.answers(chosen);
    this.total ??= deps.clock.after(target.totalMs, () =>
      this.refuse(deny('request_timeout', { message: OLD }), 'cut'),
    );
    // From scratch: nothing of the caller's head, so neither its credential nor its origin.
    const headers = ['x-request-id', x.requestId, ...(x.trace === undefined ? [] : traceHeaders(x.trace))];
    if (target.apiKey !== undefined) headers.push('authorization', `Bearer ${target.apiKey}`);
    this.upstream = target.sockets.open(x.route.path, headers, this.upstreamListener());
  }

  private giveBack(): void {
    if (this.target >= 0) giveBackPlace(this.deps, this.target, this.x.principal.tenant, this.upstream !== undefined);
    this.target = -1;
  }

  private upstreamListener(): UpstreamSocketListener {
    const listener: UpstreamSocketListener = {
      opened: () => this.opened(),
      refused: (refusal) => this.refusedByUpstream(refusal),
      text: (frame) => this.answered(frame),
      control: () => undefined,
      fault: () => this.upstreamFailed(),
      drained: () => {
        this.isUpstreamFull = false;
        this.readOn();
      },
      closed: (isClean) => this.upstreamClosed(isClean),
    };
    return guardedUpstreamSocket(listener, (error) => this.failed(error, 'upstream_error'));
  }

  private opened(): void {
    const { deps, x, upstream } = this;
    if (this.phase !== 'opening' || upstream === undefined) return;
    deps.states.noteSuccess(this.target, deps.routeIndex(x.route.id), x.principal.id);
    this.phase = 'open';
    for (const text of this.waiting.splice(0)) this.isUpstreamFull = !upstream.send(text) || this.isUpstreamFull;
    this.readOn();
  }

  private refusedByUpstream(refusal: SocketRefusal): void {
    if (this.phase === 'over') return;
    const { deps, x } = this;
    this.upstream = undefined;
    if (refusal.kind === 'status') {
      if (refusal.status >= 500) deps.states.noteServerError(this.target, x.principal.id);
      return this.refuse(denialOfUpstream(refusal.status, ''), 'fault');
    }
    if (refusal.fault === 'timeout') deps.states.noteTimeout(this.target, this.answersBefore);
    else deps.states.noteFault(this.target);
    if (refusal.fault === 'connect') {
      this.giveBack();
      return this.open();
    }
    this.refuse(deny(refusal.fault === 'timeout' ? 'upstream_timeout' : 'upstream_error'), 'fault');
  }

  private answered(frame: Buffer): void {
    if (this.phase === 'over') return;
    this.firstByteMs ??= this.deps.clock.monotonicMs() - this.startedMs;
    const answer = readServerEvent(frame);
    switch (answer.kind) {
      case 'drop':
        return;
      case 'fault':
        return this.refuse(deny('upstream_error'), 'fault');
      case 'error': {
        const denial = answer.isModelMissing ? deny('unknown_model', { param: 'model' }) : deny('upstream_error');
        return this.sendText(realtimeError(denial, this.x.requestId));
      }
      case 'done':
        this.isOwed = false;
        this.untold = 0;
        this.count(answer.event['usage']);
        this.usage.deltas = 0;
        this.tokens?.used(this.usage);
        return this.send(answer.event);
      case 'delta':
        // What is never said to be done has been written all the same.
        this.usage.deltas += 1;
        this.tokens?.used(this.usage);
        this.tokens?.more();
        return this.isOver() ? undefined : this.send(answer.event);
      default:
        return assertNever(answer);
    }
  }

  /** Who hangs up before upstream tells what the audio has cost pays for it by its length: upstream has listened all the same. */
  private usageAtEnd(): Usage {
    if (this.untold === 0) return this.usage;
    const promptTokens = (this.usage.promptTokens ?? 0) + Math.ceil(this.untold / BYTES_A_TOKEN);
    return { ...this.usage, promptTokens };
  }

  private count(usage: JsonValue | undefined): void {
    if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return;
    const add = (before: number | undefined, value: JsonValue | undefined): number | undefined =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? (before ?? 0) + value : before;
    this.usage.promptTokens = add(this.usage.promptTokens, usage['prompt_tokens'] ?? usage['input_tokens']);
    this.usage.completionTokens = add(
      this.usage.completionTokens,
      usage['completion_tokens'] ?? usage['output_tokens'],
    );
  }

  private upstreamClosed(isClean: boolean): void {
    if (this.phase === 'over') return;
    this.upstream = undefined;
    if (!isClean || this.isOwed || this.uncommitted > 0) return this.upstreamFailed();
    this.socket?.close(1000);
    this.finish({ kind: 'answer', code: undefined });
  }

  private upstreamFailed(): void {
    if (this.phase === 'over') return;
    // As a 5xx: a caller whose audio makes vLLM hang up must not take the upstream from the others.
    this.deps.states.noteServerError(this.target, this.x.principal.id);
    this.refuse(deny('upstream_error', { message: 'The model server ended the session early.' }), 'fault');
  }

  // Both ends.

  private send(event: object): void {
    this.sendText(JSON.stringify(event));
  }

  private sendText(text: string): void {
    this.idle?.refresh();
    if (this.socket?.send(text) !== false) return;
    // A caller that does not read would let vLLM's answers grow in our memory.
    this.upstream?.pause();
    this.unread ??= this.deps.clock.after(this.deps.writeMs, () => this.cutUnread());
  }

  private cutUnread(): void {
    this.upstream?.destroy();
    this.socket?.destroy();
    this.finish({ kind: 'abort', code: 'request_timeout' });
  }

  /** Ends with a denial: told as the last event, then the socket closes. */
  private refuse(denial: Denial, kind: 'cut' | 'fault' = 'cut'): void {
    if (this.phase === 'over') return;
    this.upstream?.destroy();
    this.socket?.send(realtimeError(denial, this.x.requestId));
    this.socket?.close(closeCodeOf(denial));
    this.finish({ kind, code: denial.code });
  }

  /** Ends the session after what a callback threw, whatever its state is. */
  private failed(error: unknown, code: 'internal_error' | 'upstream_error'): void {
    this.onFault(error);
    try {
      this.refuse(deny(code), 'fault');
    } catch {
      // Told already; what is left of the session is ended below.
    }
    if (this.phase === 'over') return;
    this.upstream?.destroy();
    this.socket?.destroy();
    this.finish({ kind: 'fault', code });
  }

  private finish(outcome: Pick<Outcome, 'kind' | 'code'>): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    this.waiting = [];
    this.held = undefined;
    this.idle?.cancel();
    this.total?.cancel();
    this.unread?.cancel();
    this.forget();
    this.tokens?.end(this.usageAtEnd());
    const upstream = this.deps.targets[this.tried.at(-1) ?? -1]?.name;
    this.leave?.();
    this.giveBack();
    const { firstByteMs } = this;
    this.done({ ...outcome, status: 101, firstByteMs, mayHaveWorked: firstByteMs !== undefined, upstream });
  }
}

/** Of PCM at 16 kHz: 80 ms, as models of speech that stream take them. */
const BYTES_A_TOKEN = 2_560;
/** A session of audio is one socket: there is nothing to come back to. */
const noSession = (): undefined => undefined;
const SILENT = `Neither side has sent anything for ${IDLE_MS / 1000} s. Open a new socket when there is audio.`;
const OLD = 'The session has run for as long as one may. Open a new socket.';
const NO_MODEL = deny('model_not_allowed', {
  param: 'model',
  message: 'Send session.update with a model before anything else. See GET /v1/models.',
});
const OTHER_MODEL = deny('invalid_field', {
  param: 'model',
  message: 'A session has one model. Open another socket for this one.',
});
const TOO_MUCH = deny('value_out_of_range', {
  param: 'audio',
  message: `More than ${MAX_UNCOMMITTED_BYTES} bytes of audio came without input_audio_buffer.commit. Send one in between.`,
});

const tooFast = ({ retryAfterMs }: Refused): Denial =>
  deny('rate_limited', {
    retryAfterMs,
    message: `More audio than ${AUDIO_RATE.burst} bytes a minute, or too many frames. Send it as fast as it is spoken.`,
  });
