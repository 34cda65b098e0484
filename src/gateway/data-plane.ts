import { createHmac } from 'node:crypto';
import { createHttpMediaSource, resolveBySystem } from '../adapters/http-client/media-source.ts';
import { createHttpUpstream } from '../adapters/http-client/upstream.ts';
import { createUpstreamSockets } from '../adapters/web-socket/upstream-sockets.ts';
import type { SharedCounters } from '../adapters/memory/counters.ts';
import { createUpstreamStates, type SharedUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { isUsable } from '../directory/credentials.ts';
import { createAnswerModels } from '../forward/answer-models.ts';
import { createAnswerOAuth } from '../forward/answer-oauth.ts';
import { createAnswerPreflight } from '../forward/answer-preflight.ts';
import { createAnswerUsage } from '../forward/answer-usage.ts';
import { createAnswerWellKnown } from '../forward/answer-well-known.ts';
import { createForward } from '../forward/forward.ts';
import { createRelay } from '../forward/realtime/relay.ts';
import type { Line } from '../forward/queue/line.ts';
import type { RunningExchanges } from '../forward/running.ts';
import { createCalendar } from '../limits/calendar.ts';
import type { BudgetWarning } from '../limits/budget-warnings.ts';
import type { UsageBook } from '../limits/ledger.ts';
import type { Estimator } from '../limits/estimator.ts';
import { createLimitPlan } from '../limits/plan.ts';
import { planOptionsOf } from '../limits/plan-options.ts';
import type { WallClock } from '../limits/wall-clock.ts';
import type { Principal, RouteFamily } from '../kernel/exchange.ts';
import { deny } from '../kernel/reasons.ts';
import { COOKIES_HEADER, ORIGIN_HEADER, originText } from '../oauth/origin.ts';
import { createCertificateMethod } from '../stages/authenticate/methods/client-certificate.ts';
import { createAuthenticate } from '../stages/authenticate/stage.ts';
import { denialOfModel } from '../stages/authorize/model.ts';
import { createAuthorize } from '../stages/authorize/stage.ts';
import { createConditions, createRouteConditions } from '../stages/conditions/stage.ts';
import { createFetchMedia } from '../stages/fetch-media/stage.ts';
import { createMeter } from '../stages/meter/stage.ts';
import { createNetwork } from '../stages/network/stage.ts';
import { createRateLimit } from '../stages/rate-limit/stage.ts';
import { createRoute } from '../stages/route/stage.ts';
import { createTokenSessions } from '../stages/token-limit/session.ts';
import { createTokenLimit } from '../stages/token-limit/stage.ts';
import { createSanitize } from '../stages/sanitize/stage.ts';
import { createUpgrade } from '../stages/upgrade/stage.ts';
import { createClientEvents } from '../stages/validate/client-event.ts';
import { createHeldOutput } from '../stages/validate/held-output.ts';
import { createValidate } from '../stages/validate/stage.ts';
import type { Bans } from '../limits/bans.ts';
import type { Counters } from '../limits/counters.ts';
import type { Policies } from '../policies/policies.ts';
import { isPublicAddress } from '../vllm/media/public-address.ts';
import { routes } from '../vllm/routes/index.ts';
import { openedRoutes } from '../vllm/routes/opened.ts';
import { createResponseIds } from '../wire/response-id.ts';
import { methodsOf, type AuthenticationDeps } from './authentication.ts';
import { createCountPrompt } from './count-prompt.ts';
import { USER_AGENT } from './version.ts';
import { createLimitBook } from './limit-book.ts';
import { neverBanned } from './bans.ts';
import type { Pipelines } from './listeners.ts';
import { inference, models, oauth, preflight, realtime, usage, wellKnown, type Stages } from './pipeline.ts';
import { createModelBook, type ModelBook } from './model-book.ts';
import { RESOURCE_METADATA_PATH, resourceMetadataOf } from './resource-metadata.ts';
import type { KnownUpstreams, Settings, UpstreamPems } from './threads/messages.ts';

const NO_TLS = { caPem: undefined, certPem: undefined, keyPem: undefined, serverName: undefined };
/** A password takes its time, and several wait for each other. */
const OAUTH_TIMEOUTS = { connectMs: 5_000, firstByteMs: 30_000, betweenChunksMs: 30_000, totalMs: 60_000 };
const NO_PEMS: UpstreamPems = { caPem: undefined, certPem: undefined, keyPem: undefined };
/** Largest event of vLLM on a WebSocket: a whole transcription fits many times. */
const UPSTREAM_SOCKETS = { maxFrameBytes: 1024 * 1024, closeMs: 2_000 };

/** What a data plane is made of besides its settings. */
export interface DataPlaneDeps extends Omit<AuthenticationDeps, 'url'> {
  readonly row: number;
  readonly counters: SharedCounters;
  /** Counters of what callers spend, wherever they are kept. */
  readonly callers: Counters;
  /** Outlives settings: a clock that was set is doubted all the same after a reload. */
  readonly wall: WallClock;
  /** Outlives settings: what was learnt about prompts stays. */
  readonly estimator: Estimator;
  /** Takes what was used. */
  readonly usage: UsageBook;
  readonly onBudget: (warning: BudgetWarning) => void;
  readonly bans: Bans;
  /** Secret that keeps the tenants' caches and responses apart upstream. */
  readonly tenantKey: Uint8Array;
  /** What the upstreams have told; another object where that has changed. */
  readonly known: () => KnownUpstreams;
  readonly running: RunningExchanges;
  /** Where requests wait for a place; upstreams go by their numbers in shared memory. */
  readonly line: Line;
  /** Told when a place comes free at an upstream that somebody waits for, by its number. */
  readonly onFreed: (upstream: number) => void;
  readonly policies: () => Policies;
  /** Whether the authorization server answers. */
  readonly isOAuthOn: () => boolean;
}

/** The pipelines of one set of settings, with the connections that they use. */
export interface DataPlane {
  readonly pipelines: Pipelines;
  /** Ends idle connections to upstream and lets running calls end. */
  close(): void;
}

/** For one medium from the public internet; the stage bounds all of a request together. */
const MEDIA_TIMEOUTS = { connectMs: 3_000, firstByteMs: 5_000, betweenChunksMs: 5_000, totalMs: 10_000 };

/** Wires stages, upstreams and the end of the chain for one thread. */
export function createDataPlane(settings: Settings, deps: DataPlaneDeps): DataPlane {
  const { config } = settings;
  const { clock, counters, callers: callerCounters } = deps;
  const targets = config.upstreams.map((upstream, index) => {
    const { name, apiKey, timeouts, balance } = upstream;
    const { caPem, certPem, keyPem } = settings.upstreamPems[index] ?? NO_PEMS;
    const address = { url: upstream.url, tls: { caPem, certPem, keyPem, serverName: upstream.tls.serverName } };
    return {
      name,
      apiKey,
      totalMs: timeouts.totalMs,
      isAffine: balance === 'affinity',
      upstream: createHttpUpstream(address, timeouts),
      sockets: createUpstreamSockets(address, timeouts, UPSTREAM_SOCKETS),
    };
  });
  const methods = methodsOf(config, settings.publicUrl, settings.issuerPems, { ...deps, url: settings.publicUrl });
  const { perIp } = config.limits;
  const { mtls } = config.authentication;
  const oauthServer = createHttpUpstream({ url: `unix:${settings.oauthSocket}`, tls: NO_TLS }, OAUTH_TIMEOUTS);
  let read = deps.known();
  let opened = createModelBook(config, read);
  const book = (): ModelBook => {
    const known = deps.known();
    if (known !== read) {
      read = known;
      opened = createModelBook(config, known);
    }
    return opened;
  };
  const states = createUpstreamStates(settings.upstreamMemory, deps.row, deps.onFreed);
  const responseIds = createResponseIds(deps.tenantKey);
  const { maxOutputTokens } = config.limits.default;
  const plan = createLimitPlan(
    planOptionsOf(config.limits),
    callerCounters,
    createCalendar(config.limits.timeZone, deps.wall),
  );
  const limitBook = createLimitBook(config.limits, callerCounters, clock, deps.wall);
  const aliases = new Map(Object.entries(config.models.aliases));
  const callers = { aliases, maxOutputTokens, tenantKey: deps.tenantKey, responseIds };
  // An alias is taken, too: an adapter of that name would never be asked for.
  const isServed = (model: string) => aliases.has(model) || book().entry(model).isServed;
  /** What both ends of chains that ask upstream work with. */
  const asking = {
    targets,
    serving: (model: string, family: RouteFamily) => {
      const { serving, configured } = book().entry(model);
      return family === 'load-lora' ? configured : serving;
    },
    routeIndex: (id: string) => routes.findIndex((route) => route.id === id),
    states,
    line: lineByIndex(deps.line, states),
    running: deps.running,
    isUsable: (principal: Principal) => isStillUsable(principal, config, deps),
    clock,
  };
  const countPrompt = createCountPrompt({
    targets,
    serving: asking.serving,
    isUp: (index) => states.isUp(index),
    userAgent: USER_AGENT,
    clock,
  });
  const judge: Policies['judge'] = (situation) =>
    deps.policies().judge({ ...situation, aliases: aliasesOf(aliases, situation.model) });
  const judging = { policies: () => ({ judge }), clock };
  const stages: Stages = {
    network: createNetwork(
      {
        allow: config.network.allow,
        deny: config.network.deny,
        trustedProxies: config.listen.trustedProxies,
        requestsPerMinute: perIp.requestsPerMinute,
      },
      {
        counters,
        clock,
        bans: deps.bans,
        isNeverBanned: neverBanned(config),
      },
    ),
    authenticate: createAuthenticate(
      { failuresPerMinute: perIp.failuresPerMinute, isCertificateRequired: mtls.required },
      {
        methods,
        byCertificate: createCertificateMethod(mtls.principals, {
          find: (id) => deps.credentials().find(id),
          clock,
          onUse: deps.onUse,
          ownerMaxAgeMs: config.authorizationServer.ownerMaxAgeMs,
        }),
        counters,
        clock,
        onGood: (network) => deps.bans.trust(network, clock.monotonicMs()),
        isHeld: deps.isHeld,
      },
    ),
    rateLimit: createRateLimit({ plan, counters: callerCounters, clock }),
    route: createRoute({ opened: openedRoutes(config.validation) }),
    upgrade: createUpgrade(
      { origins: new Set(config.listen.cors.origins), sockets: config.validation.caps.sockets },
      { counters: callerCounters, clock },
    ),
    validate: createValidate(config.validation, {
      ...callers,
      controlTokens: config.models.controlTokens,
      factsOf: (model) => book().entry(model).facts,
      patchCheckOf: (model) => book().entry(model).patchCheck,
    }),
    authorize: createAuthorize({ isServed }),
    conditions: createConditions(judging),
    routeConditions: createRouteConditions(judging),
    fetchMedia: createFetchMedia({
      source: createHttpMediaSource({ resolve: resolveBySystem, isPublicAddress, timeouts: MEDIA_TIMEOUTS }),
      counters: callerCounters,
      clock,
      patchCheckOf: (model) => book().entry(model).patchCheck,
      isUsable: asking.isUsable,
      onRevoked: ({ marks }, cut) => deps.running.add(marks, cut),
    }),
    meter: createMeter(),
    tokenLimit: createTokenLimit(
      { prices: config.limits.prices, overCap: config.validation.overCap, maxOutputTokens },
      {
        ...{ plan, counters: callerCounters, clock, estimator: deps.estimator },
        ...{ usage: deps.usage, onBudget: deps.onBudget },
        countPrompt: config.limits.counting === 'upstream' ? countPrompt : undefined,
      },
    ),
    sanitize: createSanitize(),
    forward: createForward({
      ...asking,
      responseIds,
      judgeOutput: createHeldOutput(config.validation.controlTokens, config.models.controlTokens),
      sseKeepAliveMs: config.listen.sseKeepAliveMs,
      sessionKey: deps.tenantKey,
    }),
    relay: createRelay({
      ...asking,
      readEvent: createClientEvents(config.validation, callers),
      // A socket outlives changes of its key: what counts is what the key may do now.
      denialOfModel({ principal, peer }, model) {
        const { keyId } = principal;
        const now = keyId === undefined ? principal : deps.credentials().find(keyId)?.principal;
        if (now?.scopes.has('inference:realtime') !== true) return deny('insufficient_scope');
        const situation = { principal: now, address: peer.address, scope: 'inference:realtime', model } as const;
        return denialOfModel(now, model, isServed) ?? judge({ ...situation, nowMs: clock.nowMs() });
      },
      counters: callerCounters,
      openTokens: createTokenSessions(config.limits.prices, {
        plan,
        counters: callerCounters,
        clock,
        ...{ usage: deps.usage, onBudget: deps.onBudget },
      }),
      writeMs: config.listen.timeouts.writeMs,
    }),
    answerUsage: createAnswerUsage(({ principal, peer }) => limitBook(principal, peer.network)),
    answerOAuth: createAnswerOAuth({
      server: oauthServer,
      originHeader: ORIGIN_HEADER,
      originText: ({ requestId, peer, downstream: { certificate } }) => originText({ requestId, ...peer, certificate }),
      cookiesHeader: COOKIES_HEADER,
    }),
    answerWellKnown: createAnswerWellKnown(() => {
      const metadata = resourceMetadataOf(config, settings.publicUrl, deps.isOAuthOn());
      return new Map(metadata === undefined ? [] : [[RESOURCE_METADATA_PATH, metadata]]);
    }),
    answerPreflight: createAnswerPreflight(),
    answerModels: createAnswerModels(
      () => book().listed(),
      ({ principal, peer, route: { scope } }, model) =>
        judge({ principal, address: peer.address, scope, model, nowMs: clock.nowMs() }) === undefined,
    ),
  };
  return {
    pipelines: {
      inference: inference(stages),
      models: models(stages),
      usage: usage(stages),
      realtime: realtime(stages),
      wellKnown: wellKnown(stages),
      oauth: oauth(stages),
      preflight: preflight(stages),
    },
    close() {
      for (const { upstream } of targets) upstream.close();
      oauthServer.close();
    },
  };
}

/** The line of all configurations as this one sees it: its upstreams by their indexes. */
const lineByIndex = (line: Line, states: SharedUpstreamStates): Line => ({
  wait: (asked, told) =>
    line.wait(
      { ...asked, upstreams: asked.upstreams.map((index) => states.numberOf(index)) },
      {
        granted: (number) => told.granted(states.indexOf(number)),
        refused: (retryAfterMs) => told.refused(retryAfterMs),
        failed: (error) => told.failed(error),
      },
    ),
});

/** The names by which callers may ask for a model beside its own. */
const aliasesOf = (aliases: ReadonlyMap<string, string>, model: string | undefined): readonly string[] =>
  [...aliases].flatMap(([alias, name]) => (name === model ? [alias] : []));

/** Whether requests may go on that began with this principal; expiry aside, which only stops new ones. */
export function isStillUsable(
  { keyId, token, marks, tenant }: Principal,
  { authentication }: Settings['config'],
  deps: Pick<DataPlaneDeps, 'isHeld' | 'credentials' | 'revocations'>,
): boolean {
  // Its body may have taken half a minute: what was held meanwhile must not start anything.
  if (deps.isHeld(marks)) return false;
  if (keyId !== undefined) return isUsable(deps.credentials().find(keyId));
  if (deps.credentials().tenant(tenant)?.isDisabled === true) return false;
  const rules = authentication.issuers.find(({ issuer }) => issuer === token?.issuer);
  return !deps.revocations().isRevoked(marks, token?.issuedAtMs, rules?.clockToleranceMs);
}

/** The secret that keeps tenants apart upstream: never the key of the digests itself, for what it makes is told there. */
export const tenantKeyOf = (hmacKey: Uint8Array): Uint8Array =>
  createHmac('sha256', hmacKey).update('tenants').digest();
