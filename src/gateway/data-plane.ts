import { createHttpUpstream } from '../adapters/http-client/upstream.ts';
import type { SharedCounters } from '../adapters/memory/counters.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import type { Config } from '../config/schema.ts';
import { isUsable, type Credentials } from '../directory/credentials.ts';
import { createAnswerModels, type ListedModel } from '../forward/answer-models.ts';
import { createAnswerUnknown } from '../forward/answer-unknown.ts';
import { createForward } from '../forward/forward.ts';
import type { RunningExchanges } from '../forward/running.ts';
import type { Clock } from '../kernel/clock.ts';
import { createApiKeyMethod } from '../stages/authenticate/methods/api-key.ts';
import { createAuthenticate } from '../stages/authenticate/stage.ts';
import { createAuthorize } from '../stages/authorize/stage.ts';
import { createMeter } from '../stages/meter/stage.ts';
import { createNetwork } from '../stages/network/stage.ts';
import { createRateLimit } from '../stages/rate-limit/stage.ts';
import { createRoute } from '../stages/route/stage.ts';
import { createSanitize } from '../stages/sanitize/stage.ts';
import { createValidate } from '../stages/validate/stage.ts';
import type { ModelFacts } from '../vllm/fields/output-length.ts';
import { routes } from '../vllm/routes/index.ts';
import type { Pipelines } from './listeners.ts';
import { inference, models, wellKnown, type Stages } from './pipeline.ts';
import type { ModelLists, Settings } from './threads/messages.ts';

/** What a data plane is made of besides its settings. */
export interface DataPlaneDeps {
  readonly row: number;
  readonly clock: Clock;
  readonly counters: SharedCounters;
  readonly credentials: () => Credentials;
  readonly hmacKey: Uint8Array;
  /** Secret that keeps the tenants' caches apart upstream. */
  readonly tenantKey: Uint8Array;
  readonly models: () => ModelLists;
  readonly running: RunningExchanges;
  readonly onUse: (id: string, atMs: number) => void;
}

/** The pipelines of one set of settings, with the connections that they use. */
export interface DataPlane {
  readonly pipelines: Pipelines;
  /** Ends idle connections to upstream and lets running calls end. */
  close(): void;
}

/** Wires stages, upstreams and the end of the chain for one thread. */
export function createDataPlane(settings: Settings, deps: DataPlaneDeps): DataPlane {
  const { config } = settings;
  const { clock, counters } = deps;
  const targets = config.upstreams.map((upstream, index) => ({
    name: upstream.name,
    apiKey: upstream.apiKey,
    totalMs: upstream.timeouts.totalMs,
    upstream: createHttpUpstream(
      {
        url: upstream.url,
        tls: {
          caPem: settings.upstreamPems[index]?.caPem,
          certPem: settings.upstreamPems[index]?.certPem,
          keyPem: settings.upstreamPems[index]?.keyPem,
          serverName: upstream.tls.serverName,
        },
      },
      upstream.timeouts,
    ),
  }));
  const methods = config.authentication.apiKeys.enabled
    ? [
        createApiKeyMethod({
          find: (id) => deps.credentials().find(id),
          hmacKey: deps.hmacKey,
          clock,
          onUse: deps.onUse,
        }),
      ]
    : [];
  const { perIp } = config.limits;
  const stages: Stages = {
    network: createNetwork(
      {
        allow: config.network.allow,
        deny: config.network.deny,
        trustedProxies: config.listen.trustedProxies,
        requestsPerMinute: perIp.requestsPerMinute,
      },
      { counters, clock },
    ),
    authenticate: createAuthenticate({ failuresPerMinute: perIp.failuresPerMinute }, { methods, counters, clock }),
    rateLimit: createRateLimit(config.limits.default, { counters, clock }),
    route: createRoute(),
    validate: createValidate(config.validation, {
      maxOutputTokens: config.limits.default.maxOutputTokens,
      tenantKey: deps.tenantKey,
      factsOf: (model) => modelFactsOf(config, deps.models(), model),
    }),
    authorize: createAuthorize({ isServed: (model) => isServed(config, deps.models(), model) }),
    meter: createMeter(),
    sanitize: createSanitize(),
    forward: createForward({
      targets,
      serving: (model) => servingOf(config, deps.models(), model),
      routeIndex: (id) => routes.findIndex((route) => route.id === id),
      states: createUpstreamStates(settings.upstreamMemory, deps.row),
      running: deps.running,
      isUsable: (keyId) => isUsable(deps.credentials().find(keyId)),
      clock,
      sseKeepAliveMs: config.listen.sseKeepAliveMs,
      writeMs: config.listen.timeouts.writeMs,
    }),
    answerUnknown: createAnswerUnknown(),
    answerModels: createAnswerModels(() => listedModels(config, deps.models())),
  };
  return {
    pipelines: { inference: inference(stages), models: models(stages), wellKnown: wellKnown(stages) },
    close() {
      for (const { upstream } of targets) upstream.close();
    },
  };
}

/** Indexes of the upstreams that serve a model: configured for it, and not known to lack it. */
export function servingOf(config: Config, lists: ModelLists, model: string): number[] {
  const serving: number[] = [];
  for (const [index, upstream] of config.upstreams.entries()) {
    if (!upstream.models.includes('*') && !upstream.models.includes(model)) continue;
    const list = lists[index];
    if (list === undefined || list.some(({ id }) => id === model)) serving.push(index);
  }
  return serving;
}

/** What the upstreams that serve a model say of it; of several the least. */
export function modelFactsOf(config: Config, lists: ModelLists, model: string): ModelFacts {
  let contextTokens: number | undefined;
  for (const index of servingOf(config, lists, model)) {
    const own = lists[index]?.find(({ id }) => id === model)?.maxModelLen;
    if (own !== undefined && own < (contextTokens ?? Infinity)) contextTokens = own;
  }
  return { contextTokens };
}

/** Whether any upstream serves a model; undefined while one that could has not said what it serves. */
export function isServed(config: Config, lists: ModelLists, model: string): boolean | undefined {
  const serving = servingOf(config, lists, model);
  if (serving.some((index) => lists[index] !== undefined)) return true;
  return serving.length > 0 ? undefined : false;
}

/** The models that callers can be told of: what the upstreams list, else the names of the configuration. */
export function listedModels(config: Config, lists: ModelLists): ListedModel[] {
  const byId = new Map<string, ListedModel>();
  for (const [index, upstream] of config.upstreams.entries()) {
    const isServing = (id: string) => upstream.models.includes('*') || upstream.models.includes(id);
    const configured = upstream.models
      .filter((id) => id !== '*')
      .map((id) => ({ id, createdS: 0, maxModelLen: undefined }));
    for (const model of lists[index] ?? configured) {
      if (isServing(model.id) && !byId.has(model.id)) byId.set(model.id, model);
    }
  }
  return [...byId.values()];
}
