import { randomUUID } from 'node:crypto';
import { AnyExchange, type ChallengeOffer, type ParsedHead } from '../kernel/exchange.ts';
import { deny, reasons, type Denial, type ReasonCode } from '../kernel/reasons.ts';
import type { Outcome, Pipeline } from '../kernel/stage.ts';
import type { Downstream } from '../kernel/transport.ts';
import type { BeginTrace } from '../telemetry/begin-trace.ts';
import type { OpenTap } from '../observers/content/tap.ts';
import { responseHeaders, sendDenial } from '../wire/answer.ts';
import { parseRequestHead, surfaceOf, surfaceOfTarget, type HeadRules } from '../wire/request-head.ts';
import { publicPipelineOf, type Pipelines } from './listeners.ts';
import { run, sendRecorded, UNRECORDED, type RunDeps } from './run.ts';

/** What stands before the pipelines. */
export interface FrontDeps extends RunDeps {
  readonly rules: HeadRules;
  readonly pipelines: Pipelines;
  /** Origins whose pages may call (Fetch standard). */
  readonly origins: ReadonlySet<string>;
  /** What refusals say about getting a token. */
  readonly offer: () => ChallengeOffer | undefined;
  /** Whether the authorization server answers. */
  readonly isOAuthOn: () => boolean;
  /** Body of `/healthz` and `/readyz` and whether it is well. */
  readonly health: (path: '/healthz' | '/readyz') => { readonly isWell: boolean; readonly body: string };
  readonly isDraining: () => boolean;
  /** Undefined where no traces are made. */
  readonly beginTrace?: BeginTrace | undefined;
  /** Undefined where nothing of what is said is recorded. */
  readonly openTap?: OpenTap | undefined;
  /** Whether everybody is refused, for nothing can be recorded. */
  readonly isUnrecorded: () => boolean;
}

/** Answers one request of the public listener: judges the head, answers health, sends the rest on its way. */
export function createFront(deps: FrontDeps): (downstream: Downstream) => void {
  return (downstream) => {
    const x = new AnyExchange(randomUUID(), deps.clock.nowMs(), downstream, false);
    const head = parseRequestHead(downstream.head, deps.rules);
    if ('code' in head) {
      x.surface = surfaceOfTarget(downstream.head.target);
      // What follows on this connection cannot be trusted to begin where we think it does.
      return refuse(deps, x, head, true);
    }
    x.head = head;
    x.surface = surfaceOf(head.path);
    x.allowedOrigin = allowedOrigin(deps.origins, head);
    x.offer = deps.offer();
    x.trace = deps.beginTrace?.(downstream.peerAddress, head.headers);
    if (head.path === '/healthz' || head.path === '/readyz') return answerHealth(deps, x, head, head.path);
    if (isPreflight(x, head)) return run(deps.pipelines.preflight, x, deps);
    if (deps.isDraining()) return refuse(deps, x, deny('draining'));
    if (deps.isUnrecorded()) return refuse(deps, x, deny('store_unavailable', UNRECORDED));
    x.content = deps.openTap?.(x.requestId);
    run(pipelineOf(deps, head), x, deps);
  };
}

const pipelineOf = (deps: FrontDeps, head: ParsedHead): Pipeline =>
  publicPipelineOf(deps.pipelines, head.path, deps.isOAuthOn());

function answerHealth(deps: FrontDeps, x: AnyExchange, head: ParsedHead, path: '/healthz' | '/readyz'): void {
  if (head.method !== 'GET' && head.method !== 'HEAD') {
    return sendDenial(x, deny('method_not_allowed', { allow: 'GET, HEAD' }));
  }
  const { isWell, body } = deps.health(path);
  const headers = responseHeaders(x);
  headers.push('content-type', 'application/json');
  x.downstream.answer(isWell ? 200 : 503, headers, body);
}

/** The origin of a request where it is a listed one: no other is ever echoed. */
function allowedOrigin(origins: ReadonlySet<string>, head: ParsedHead): string | undefined {
  if (origins.size === 0) return undefined;
  const origin = head.headers.get('origin');
  return origin !== undefined && origins.has(origin) ? origin : undefined;
}

/** Whether it is the preflight of a listed origin (Fetch standard, CORS protocol). */
const isPreflight = (x: AnyExchange, head: ParsedHead): boolean =>
  head.method === 'OPTIONS' && x.allowedOrigin !== undefined && head.headers.has('access-control-request-method');

function refuse(deps: FrontDeps, x: AnyExchange, denial: Denial, isLast = false): void {
  sendRecorded(
    x,
    deps,
    () => sendDenial(x, denial, isLast),
    () => deps.observe(x, refusedAtOnce(denial.code, denial.why)),
  );
}

/** The outcome of a request that was refused before it came to a pipeline. */
export const refusedAtOnce = (code: ReasonCode, why?: string): Outcome => ({
  kind: 'denial',
  status: reasons[code].status,
  code,
  why,
  durationMs: 0,
  firstByteMs: undefined,
  upstream: undefined,
});
