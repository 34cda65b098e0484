import { createHmac } from 'node:crypto';
import { createHttpMediaSource, resolveBySystem } from '../adapters/http-client/media-source.ts';
import { createHttpUpstream } from '../adapters/http-client/upstream.ts';
import type { SharedCounters } from '../adapters/memory/counters.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { isUsable, type Credentials } from '../directory/credentials.ts';
import { createAnswerModels } from '../forward/answer-models.ts';
import { createAnswerPreflight } from '../forward/answer-preflight.ts';
import { createAnswerUnknown } from '../forward/answer-unknown.ts';
import { createForward } from '../forward/forward.ts';
import type { RunningExchanges } from '../forward/running.ts';
import type { Clock } from '../kernel/clock.ts';
import { createApiKeyMethod } from '../stages/authenticate/methods/api-key.ts';
import { createAuthenticate } from '../stages/authenticate/stage.ts';
import { createAuthorize } from '../stages/authorize/stage.ts';
import { createFetchMedia } from '../stages/fetch-media/stage.ts';
import { createMeter } from '../stages/meter/stage.ts';
import { createNetwork } from '../stages/network/stage.ts';
import { createRateLimit } from '../stages/rate-limit/stage.ts';
import { createRoute } from '../stages/route/stage.ts';
import { createSanitize } from '../stages/sanitize/stage.ts';
import { createHeldOutput } from '../stages/validate/held-output.ts';
import { createValidate } from '../stages/validate/stage.ts';
import { isPublicAddress } from '../vllm/media/public-address.ts';
import { routes } from '../vllm/routes/index.ts';
import { openedRoutes } from '../vllm/routes/opened.ts';
import { createResponseIds } from '../wire/response-id.ts';
import type { Pipelines } from './listeners.ts';
import { inference, models, preflight, wellKnown, type Stages } from './pipeline.ts';
import { createModelBook, type ModelBook } from './model-book.ts';
import type { KnownUpstreams, Settings } from './threads/messages.ts';

/** What a data plane is made of besides its settings. */
export interface DataPlaneDeps {
  readonly row: number;
  readonly clock: Clock;
  readonly counters: SharedCounters;
  readonly credentials: () => Credentials;
  readonly hmacKey: Uint8Array;
  /** Secret that keeps the tenants' caches and responses apart upstream. */
  readonly tenantKey: Uint8Array;
  /** What the upstreams have told; another object where that has changed. */
  readonly known: () => KnownUpstreams;
  readonly running: RunningExchanges;
  readonly onUse: (id: string, atMs: number) => void;
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
  const responseIds = createResponseIds(deps.tenantKey);
  const { perIp } = config.limits;
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
    route: createRoute({ opened: openedRoutes(config.validation) }),
    validate: createValidate(config.validation, {
      maxOutputTokens: config.limits.default.maxOutputTokens,
      tenantKey: deps.tenantKey,
      responseIds,
      controlTokens: config.models.controlTokens,
      factsOf: (model) => book().entry(model).facts,
      patchCheckOf: (model) => book().entry(model).patchCheck,
    }),
    authorize: createAuthorize({ isServed: (model) => book().entry(model).isServed }),
    fetchMedia: createFetchMedia({
      source: createHttpMediaSource({ resolve: resolveBySystem, isPublicAddress, timeouts: MEDIA_TIMEOUTS }),
      counters,
      clock,
      patchCheckOf: (model) => book().entry(model).patchCheck,
      isUsable: (keyId) => isUsable(deps.credentials().find(keyId)),
      onRevoked: (keyId, cut) => deps.running.add(keyId, cut),
    }),
    meter: createMeter(),
    sanitize: createSanitize(),
    forward: createForward({
      targets,
      serving: (model, family) => {
        const { serving, configured } = book().entry(model);
        return family === 'load-lora' ? configured : serving;
      },
      routeIndex: (id) => routes.findIndex((route) => route.id === id),
      states: createUpstreamStates(settings.upstreamMemory, deps.row),
      responseIds,
      judgeOutput: createHeldOutput(config.validation.controlTokens, config.models.controlTokens),
      running: deps.running,
      isUsable: (keyId) => isUsable(deps.credentials().find(keyId)),
      clock,
      sseKeepAliveMs: config.listen.sseKeepAliveMs,
      writeMs: config.listen.timeouts.writeMs,
    }),
    answerUnknown: createAnswerUnknown(),
    answerPreflight: createAnswerPreflight(),
    answerModels: createAnswerModels(() => book().listed()),
  };
  return {
    pipelines: {
      inference: inference(stages),
      models: models(stages),
      wellKnown: wellKnown(stages),
      preflight: preflight(stages),
    },
    close() {
      for (const { upstream } of targets) upstream.close();
    },
  };
}

/** The secret that keeps tenants apart upstream: never the key of the digests itself, for what it makes is told there. */
export const tenantKeyOf = (hmacKey: Uint8Array): Uint8Array =>
  createHmac('sha256', hmacKey).update('tenants').digest();
