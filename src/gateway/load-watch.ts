import type { Config } from '../config/schema.ts';
import type { Upstream } from '../kernel/transport.ts';
import { parseEngineLoad, type EngineLoad } from '../vllm/engine-load.ts';
import { askUpstream } from './ask-upstream.ts';

/** What the watch of loads works with. */
export interface LoadWatchDeps {
  readonly upstreams: readonly Upstream[];
  readonly userAgent: string;
  /** Whether so much runs at an upstream that its load is worth a question. */
  readonly isBusy: (index: number) => boolean;
  /** Told once a second of each upstream; undefined where it does not say, or was not asked. */
  readonly onLoad: (index: number, load: EngineLoad | undefined) => void;
}

/** Asks the upstreams that are busy for their load. */
export interface LoadWatch {
  /** Looks at all once. Never throws. */
  look(): Promise<void>;
  /** Tells nothing from then on, of a look that is under way neither. */
  stop(): void;
}

const EVERY_MS = 1_000;
/** Looks until one that did not say is asked again. */
const REST = 30;

/** Starts to ask once a second. */
export function watchLoads(config: Config, deps: LoadWatchDeps): LoadWatch {
  const resting = deps.upstreams.map(() => 0);
  const asking = new Set<number>();
  /** What comes in after that is of upstreams that may have other indexes by now. */
  let isStopped = false;
  const timer = setInterval(() => void look(), EVERY_MS).unref();

  async function look(): Promise<void> {
    await Promise.all(deps.upstreams.map((upstream, index) => lookAt(upstream, index)));
  }

  async function lookAt(upstream: Upstream, index: number): Promise<void> {
    // An answer that is late is waited for: questions must not pile up before what is slow already.
    if (asking.has(index)) return;
    const rest = resting[index] ?? 0;
    if (rest > 0) resting[index] = rest - 1;
    if (rest > 0 || !deps.isBusy(index)) return deps.onLoad(index, undefined);
    asking.add(index);
    const load = await loadOf(upstream, headersFor(index)).finally(() => asking.delete(index));
    if (isStopped) return;
    if (load === undefined) resting[index] = REST;
    deps.onLoad(index, load);
  }

  function headersFor(index: number): readonly string[] {
    const apiKey = config.upstreams[index]?.apiKey;
    const headers = ['user-agent', deps.userAgent, 'accept', 'text/plain'];
    return apiKey === undefined ? headers : [...headers, 'authorization', `Bearer ${apiKey}`];
  }

  return {
    look,
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

async function loadOf(upstream: Upstream, headers: readonly string[]): Promise<EngineLoad | undefined> {
  try {
    const answer = await askUpstream(upstream, { method: 'GET', path: '/metrics', headers, body: undefined });
    return answer.status === 200 ? parseEngineLoad(answer.text) : undefined;
  } catch {
    // Whether it lives is judged by its requests; here only its load is not known.
    return undefined;
  }
}
