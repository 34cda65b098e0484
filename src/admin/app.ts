import { Hono, type Context } from 'hono';
import { StoreUnavailable, VersionConflict } from '../directory/store.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { Scope } from '../kernel/scope.ts';
import { METRICS_TYPE, metricsFormatOf } from '../wire/metrics-format.ts';
import { renderProblem } from '../wire/problem.ts';
import { createIdempotentAnswers } from './idempotency.ts';
import { resources } from './index.ts';
import { liveAnswer, MAX_LIVE_VIEWS, MAX_OWN_VIEWS } from './live.ts';
import { isMistakes, type Mistakes } from './mistakes.ts';
import { openApiOperation, openApiSchemas, renderOpenApi } from './openapi.ts';
import type { Answer, Operation } from './operation.ts';
import type { Actor, AdminDeps } from './ports.ts';
import { etagOf, isDenial } from './precondition.ts';
import { readJsonBody } from './request-body.ts';

/** What a listener tells the admin API of a request's origin. */
export interface AdminEnv {
  readonly Bindings: {
    /** Came in by the Unix socket, which only this user (and root) can open. */
    readonly isSocket: boolean;
    /** Address of the peer; empty on the socket. */
    readonly address: string;
  };
  readonly Variables: {
    /** Unguessable; sent as `x-request-id`. */
    readonly requestId: string;
    /** What is recorded of it. */
    denial?: Denial;
    principal?: Principal;
    /** Whoever reads this is recorded, too. */
    isNoted?: boolean;
  };
}

/** Where the resources are. */
export const API_PREFIX = '/api/v1';

type AdminContext = Context<AdminEnv>;
type Outcome = Answer<unknown> | Denial | Mistakes;

/** Every operation of the admin API, its own description included. */
export function adminOperations(deps: AdminDeps): readonly Operation[] {
  const schemas = Object.assign({}, openApiSchemas, ...resources.map((resource) => resource.schemas));
  let document: ReturnType<typeof renderOpenApi> | undefined;
  const all: readonly Operation[] = [
    ...resources.flatMap((resource) => resource.operations(deps)),
    // Rendered once somebody asks: it takes longer than all the rest of a command.
    openApiOperation(() => (document ??= renderOpenApi(all, schemas, deps.version))),
  ];
  return all;
}

/** The admin API over its resources, the same for the listener and the socket. */
export function createAdminApp(deps: AdminDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  const answers = createIdempotentAnswers<Outcome>(deps.clock);

  app.use(async (c, next) => {
    c.set('requestId', Buffer.from(deps.randomBytes(16)).toString('hex'));
    const startedAtMs = deps.clock.nowMs();
    const denial = c.env.isSocket ? undefined : deps.judgeAddress(c.env.address);
    if (denial === undefined) await next();
    else c.res = problem(c, denial);
    for (const [name, value] of SECURITY_HEADERS) c.res.headers.set(name, value);
    c.res.headers.set('x-request-id', c.get('requestId'));
    // Only over TLS: RFC 6797 §7.2 forbids it on plain connections.
    if (c.req.url.startsWith('https:')) c.res.headers.set('strict-transport-security', 'max-age=31536000');
    noteRequest(c, deps, startedAtMs);
  });

  app.all('/metrics', async (c) => {
    const denial = await keptFromMetrics(c, deps);
    if (denial !== undefined) return problem(c, denial);
    const format = metricsFormatOf(c.req.header('accept'));
    return c.body(deps.metrics(format), 200, { 'content-type': METRICS_TYPE[format], vary: 'accept' });
  });

  app.all('/metrics/upstreams/:name', async (c) => {
    const denial = await keptFromMetrics(c, deps);
    if (denial !== undefined) return problem(c, denial);
    const page = await deps.upstreamMetrics(c.req.param('name'));
    return typeof page !== 'string' ? problem(c, page) : c.body(page, 200, { 'content-type': METRICS_TYPE.text });
  });

  for (const [path, operations] of Map.groupBy(adminOperations(deps), (one) => one.path)) {
    app.all(`${API_PREFIX}${path.replace('{id}', ':id')}`, async (c) => {
      const actor = await actorOf(c, deps);
      if (isDenial(actor)) return problem(c, actor);
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
      const found = operations.find((one) => one.method === method);
      if (found === undefined) {
        const methods = operations.map((one) => one.method);
        if (method === 'OPTIONS') return c.body(null, 204, { allow: allowOf(methods) });
        return problem(c, wrongMethod(c, methods) ?? deny('method_not_allowed'));
      }
      const denial = missingScope(actor, found.scope) ?? deniedByPolicy(c, actor, deps, found.scope);
      if (denial !== undefined) return problem(c, denial);
      if (method !== 'GET' && deps.isUnrecorded()) {
        return problem(c, deny('store_unavailable', { message: UNRECORDED }));
      }
      if (
        found.live !== undefined &&
        c.req.method === 'GET' &&
        c.req.header('accept')?.includes('text/event-stream') === true
      ) {
        return live(c, found, found.live, actor);
      }
      c.set('isNoted', found.path === '/audit-log');
      return render(c, found, await perform(c, found, actor));
    });
  }

  // Nothing is said to strangers, not even that a path does not exist.
  app.notFound(async (c) => {
    const actor = await actorOf(c, deps);
    return problem(c, isDenial(actor) ? actor : deny('unknown_route'));
  });

  app.onError((error, c) => {
    if (error instanceof StoreUnavailable) {
      const message = `The store cannot be written (${error.message}). Nothing was changed.`;
      return problem(c, deny('store_unavailable', { message }));
    }
    if (error instanceof VersionConflict) return problem(c, deny('precondition_failed'));
    deps.logFault?.(c.get('requestId'), error);
    return problem(c, deny('internal_error'));
  });

  let liveViews = 0;
  const ownViews = new Map<string, number>();

  function live(c: AdminContext, found: Operation, name: string, actor: Actor): Response {
    const who = actor.kind === 'socket' ? 'socket' : actor.principal.id;
    const own = ownViews.get(who) ?? 0;
    if (liveViews >= MAX_LIVE_VIEWS || own >= MAX_OWN_VIEWS) return problem(c, deny('overloaded'));
    liveViews += 1;
    ownViews.set(who, own + 1);
    return liveAnswer(name, {
      clock: deps.clock,
      async look() {
        if (!(await mayStillLook(c, found, actor))) return undefined;
        const outcome = await perform(c, found, actor);
        return isDenial(outcome) || isMistakes(outcome) ? undefined : outcome.value;
      },
      onEnd() {
        liveViews -= 1;
        const left = (ownViews.get(who) ?? 1) - 1;
        if (left > 0) ownViews.set(who, left);
        else ownViews.delete(who);
      },
    });
  }

  /** A credential that was revoked meanwhile sees no more, nor one that a policy or a ban keeps out since. */
  async function mayStillLook(c: AdminContext, found: Operation, actor: Actor): Promise<boolean> {
    if (actor.kind === 'socket') return true;
    if (deps.judgeAddress(c.env.address) !== undefined) return false;
    // A proof is for one request (RFC 9449 §11.1): it is not shown again, but what it came with may have ended.
    const isProven = c.req.header('dpop') !== undefined;
    if (isProven && !deps.isStillUsable(actor.principal)) return false;
    const now = isProven ? actor : await actorOf(c, deps);
    return (
      !isDenial(now) &&
      missingScope(now, found.scope) === undefined &&
      deniedByPolicy(c, now, deps, found.scope) === undefined
    );
  }

  async function perform(c: AdminContext, found: Operation, actor: Actor): Promise<Outcome> {
    const query = queryOf(c);
    if (isDenial(query)) return query;
    const body =
      found.body === undefined ? { value: undefined } : await readJsonBody(c.req.raw, found.maxBodyBytes?.());
    if (isDenial(body)) return body;
    const asked = { id: c.req.param('id') ?? '', body: body.value, query, ifMatch: c.req.header('if-match'), actor };
    const work = (): Promise<Outcome> =>
      found.method === 'GET' ? found.run(asked) : deps.asActor(actor, c.env.address, () => found.run(asked));
    const key = c.req.header('idempotency-key');
    if (key === undefined || found.isOnce !== true) return work();
    const who = actor.kind === 'socket' ? 'socket' : actor.principal.id;
    const request = JSON.stringify([found.method, c.req.path, body.value]);
    return answers.once(key, who, request, (outcome) => !isDenial(outcome) && !isMistakes(outcome), work);
  }

  return app;
}

const UNRECORDED =
  'The audit log cannot be written, and auditLog.onFailure is deny: nothing was changed. Free the disk, or see: sallyport audit-log verify';

/** Why somebody does not get metrics; the same for all pages of them. */
async function keptFromMetrics(c: AdminContext, deps: AdminDeps): Promise<Denial | undefined> {
  if (deps.prometheus === false) return deny('unknown_route');
  if (deps.prometheus === 'open') return wrongMethod(c, ['GET']);
  const actor = await actorOf(c, deps);
  if (isDenial(actor)) return actor;
  const method = wrongMethod(c, ['GET']);
  return method ?? missingScope(actor, 'metrics:read') ?? deniedByPolicy(c, actor, deps, 'metrics:read');
}

/** Who asks: by the socket whoever may open it, else the principal of the credential. */
async function actorOf(c: AdminContext, { authenticate }: AdminDeps): Promise<Actor | Denial> {
  if (c.env.isSocket) return { kind: 'socket' };
  const principal = await authenticate({
    authorization: c.req.header('authorization'),
    xApiKey: c.req.header('x-api-key'),
    proof: c.req.header('dpop'),
    method: c.req.method,
    path: c.req.path,
    address: c.env.address,
  });
  if (isDenial(principal)) return principal;
  c.set('principal', principal);
  return { kind: 'principal', principal };
}

/** Else whoever tries keys here, or reads with a stolen one what all others have done, would leave no trace. */
function noteRequest(c: AdminContext, { noteRequest: note }: AdminDeps, startedAtMs: number): void {
  const denial = c.get('denial');
  if (c.env.isSocket || (denial === undefined && c.get('isNoted') !== true)) return;
  note?.({
    ...{ requestId: c.get('requestId'), method: c.req.method, path: c.req.path, address: c.env.address },
    ...{ status: c.res.status, denial, principal: c.get('principal'), startedAtMs },
  });
}

function missingScope(actor: Actor, scope: Scope): Denial | undefined {
  if (actor.kind === 'socket' || actor.principal.scopes.has(scope)) return undefined;
  return deny('insufficient_scope', { scope, message: `This needs an API key with the scope ${scope}.` });
}

/** Policies hold here, too: what may be administered from one network only is no more open on this listener. */
function deniedByPolicy(c: AdminContext, actor: Actor, { judgePolicies }: AdminDeps, scope: Scope): Denial | undefined {
  return actor.kind === 'socket' ? undefined : judgePolicies(actor.principal, c.env.address, scope);
}

function wrongMethod(c: AdminContext, methods: readonly string[]): Denial | undefined {
  if (methods.includes(c.req.method === 'HEAD' ? 'GET' : c.req.method)) return undefined;
  return deny('method_not_allowed', { allow: allowOf(methods) });
}

function allowOf(methods: readonly string[]): string {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

/** Query parameters, each once: of two the reader that comes next might take the other. */
function queryOf(c: AdminContext): Record<string, string> | Denial {
  const entries = Object.entries(c.req.queries());
  const twice = entries.find(([, values]) => values.length > 1);
  if (twice !== undefined) return deny('invalid_field', { param: twice[0], message: 'Give this parameter once.' });
  return Object.fromEntries(entries.map(([name, values]) => [name, values[0] ?? '']));
}

function render(c: AdminContext, { status }: Operation, outcome: Outcome): Response {
  if (isMistakes(outcome)) {
    const [first, ...others] = outcome.mistakes;
    const errors = outcome.mistakes.map(({ code, param, message }) => ({ code, param, detail: message }));
    return problem(c, first ?? deny('invalid_request'), others.length === 0 ? {} : { errors });
  }
  if (isDenial(outcome)) return problem(c, outcome);
  const { value, version, committed, location } = outcome;
  if (version !== undefined) c.header('etag', etagOf(version));
  if (location !== undefined) c.header('location', `${API_PREFIX}${location}`);
  if (committed !== undefined) {
    c.header('x-sallyport-workers', `confirmed=${committed.confirmed}, replaced=${committed.replaced}`);
  }
  if (status === 204) return c.body(null, 204);
  return c.body(JSON.stringify(value), status, { 'content-type': 'application/json' });
}

function problem(c: AdminContext, denial: Denial, extensions: object = {}): Response {
  c.set('denial', denial);
  const { status, headers, body } = renderProblem(denial, c.get('requestId'), extensions);
  const all = new Headers();
  for (let i = 0; i + 1 < headers.length; i += 2) all.append(headers[i] ?? '', headers[i + 1] ?? '');
  return new Response(body, { status, headers: all });
}

const SECURITY_HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
] as const;
