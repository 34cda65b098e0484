import type { Config } from '../config/schema.ts';
import type { UpstreamStates } from '../forward/upstream-states.ts';
import { isJsonObject, type JsonValue } from '../kernel/json.ts';
import type { Upstream } from '../kernel/transport.ts';
import { isModelName } from '../vllm/fields/model-name.ts';
import { routes } from '../vllm/routes/index.ts';
import { askUpstream, UpstreamFailed } from './ask-upstream.ts';
import type { KnownUpstreams, ServedModel } from './threads/messages.ts';

/** What the control plane knows of an upstream. */
export interface Watched {
  version: string | undefined;
  models: readonly ServedModel[] | undefined;
  why: string | undefined;
}

/** Watches the upstreams from the control plane alone. */
export interface UpstreamWatch {
  readonly watched: readonly Watched[];
  /** Looks at all once. Never throws. */
  look(): Promise<void>;
  /** Tells nothing from then on, of a look that is under way neither. */
  stop(): void;
}

/** What the watch works with. */
export interface WatchDeps {
  readonly upstreams: readonly Upstream[];
  readonly states: UpstreamStates;
  /** `sallyport/<version>`. */
  readonly userAgent: string;
  /** Told when one has said something new. */
  readonly onNews: (known: KnownUpstreams) => void;
  /** Told of one that has failed twice in a row, and once it answers again. */
  readonly onDown: (index: number, why: string) => void;
  readonly onUp: (index: number) => void;
  readonly everyMs: number;
}

/**
 * Asks each upstream for its version and models, and probes one that is marked down with a single token on the last
 * route that worked there: `/health` can answer while generation hangs (CVE-2026-114051).
 */
export function watchUpstreams(config: Config, deps: WatchDeps): UpstreamWatch {
  const watched: Watched[] = config.upstreams.map(() => ({
    version: undefined,
    models: undefined,
    why: 'not asked yet',
  }));
  /** Looks in a row that have failed. */
  const failures = watched.map(() => 0);
  /** Looks since its version was asked for. */
  const looks = watched.map(() => 0);
  /** What comes in after that is of upstreams that may have other indexes by now. */
  let isStopped = false;
  const timer = setInterval(() => void look(), deps.everyMs).unref();

  async function look(): Promise<void> {
    await Promise.all(watched.map((state, index) => lookAt(state, index)));
  }

  async function lookAt(state: Watched, index: number): Promise<void> {
    const upstream = deps.upstreams[index];
    const apiKey = config.upstreams[index]?.apiKey;
    if (upstream === undefined) return;
    const headers = ['user-agent', deps.userAgent, 'accept', 'application/json'];
    if (apiKey !== undefined) headers.push('authorization', `Bearer ${apiKey}`);
    const ask = async (path: string) => {
      const answer = await askUpstream(upstream, { method: 'GET', path, headers, body: undefined });
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
      return answer.text;
    };
    try {
      const before = JSON.stringify([state.models, state.version]);
      state.models = parseModels(await ask('/v1/models'));
      // Asked again and again: a server that was updated has other holes.
      looks[index] = (looks[index] ?? 0) + 1;
      if (state.version === undefined || (looks[index] ?? 0) >= LOOKS_A_VERSION) {
        looks[index] = 0;
        state.version = parseVersion(await ask('/version'));
      }
      if (isStopped) return;
      if (!deps.states.isUp(index)) await probe(upstream, headers, state, index);
      if (isStopped) return;
      state.why = undefined;
      if ((failures[index] ?? 0) >= FAILURES) deps.onUp(index);
      failures[index] = 0;
      if (JSON.stringify([state.models, state.version]) !== before) {
        deps.onNews(watched.map(({ models, version }) => ({ models, version })));
      }
    } catch (error) {
      if (isStopped) return;
      state.why = error instanceof Error ? error.message : String(error);
      failures[index] = (failures[index] ?? 0) + 1;
      if (failures[index] === FAILURES) deps.onDown(index, state.why);
      // What did not connect or broke counts as for any request, so that a server that is gone is known to be.
      if (error instanceof UpstreamFailed) deps.states.noteFault(index);
    }
  }

  async function probe(upstream: Upstream, headers: readonly string[], state: Watched, index: number): Promise<void> {
    const route = routes[deps.states.lastRoute(index)];
    const model = state.models?.[0]?.id;
    if (route === undefined || model === undefined) return deps.states.markUp(index);
    const body = PROBES[route.path]?.(model);
    if (body === undefined) return deps.states.markUp(index);
    const answer = await askUpstream(upstream, {
      method: 'POST',
      path: route.path,
      headers: [...headers, 'content-type', 'application/json'],
      body: Buffer.from(JSON.stringify(body)),
    });
    if (answer.status >= 500) throw new Error(`the probe of ${route.path} answered ${answer.status}`);
    deps.states.markUp(index);
  }

  return {
    watched,
    look,
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

/** One look may fail by chance. */
const FAILURES = 2;
/** Looks from one question for the version to the next: five minutes of ten seconds each. */
const LOOKS_A_VERSION = 30;

/** The smallest request of each open route. */
const PROBES: Readonly<Record<string, (model: string) => JsonValue>> = {
  '/v1/chat/completions': (model) => ({ model, messages: [{ role: 'user', content: '.' }], max_tokens: 1 }),
  '/v1/completions': (model) => ({ model, prompt: '.', max_tokens: 1 }),
  '/v1/embeddings': (model) => ({ model, input: '.' }),
  '/classify': (model) => ({ model, input: '.' }),
  '/pooling': (model) => ({ model, input: '.' }),
  '/v1/score': (model) => ({ model, text_1: '.', text_2: '.' }),
  '/v1/rerank': (model) => ({ model, query: '.', documents: ['.'] }),
  '/v2/rerank': (model) => ({ model, query: '.', documents: ['.'] }),
  '/v2/embed': (model) => ({ model, texts: ['.'] }),
};

function parseModels(text: string): ServedModel[] {
  const value = JSON.parse(text) as JsonValue;
  const data = isJsonObject(value) ? value['data'] : undefined;
  if (!Array.isArray(data)) throw new Error('/v1/models is no list');
  return data.flatMap((entry) => {
    if (!isJsonObject(entry) || typeof entry['id'] !== 'string') return [];
    const { id, created, max_model_len: maxModelLen } = entry;
    // No request can name it, and what prints the list would print escapes of a terminal.
    if (!isModelName(id)) return [];
    return [
      {
        id,
        createdS: typeof created === 'number' ? created : 0,
        maxModelLen: typeof maxModelLen === 'number' ? maxModelLen : undefined,
      },
    ];
  });
}

function parseVersion(text: string): string | undefined {
  const value = JSON.parse(text) as JsonValue;
  const version = isJsonObject(value) ? value['version'] : undefined;
  return typeof version === 'string' && /^[0-9A-Za-z.+-]{1,64}$/.test(version) ? version : undefined;
}
