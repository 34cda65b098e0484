import { createHttpUpstream } from '../adapters/http-client/upstream.ts';
import type { LogOutput } from '../adapters/log/output.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import type { Clock } from '../kernel/clock.ts';
import { createEngineMetrics, type EngineMetricsSource } from './engine-metrics.ts';
import { watchLoads } from './load-watch.ts';
import type { KnownUpstreams, PlaceTold, Settings, UpstreamPems } from './threads/messages.ts';
import { startUpstreamQueue, type UpstreamQueue } from './upstream-queue.ts';
import { viewsOfUpstreams } from './upstream-views.ts';
import { watchUpstreams } from './upstream-watch.ts';
import { USER_AGENT } from './version.ts';

/** The upstreams as the control plane sees them: what they serve, how they are loaded, who waits for them. */
export interface Upstreams {
  /** Requests that wait for places at them. */
  readonly queue: Pick<UpstreamQueue, 'hear' | 'ended'>;
  /** What they have said of themselves, in the order of the configuration. */
  known(): KnownUpstreams;
  views(): ReturnType<typeof viewsOfUpstreams>;
  /** Asks one for its metrics. */
  readonly metrics: EngineMetricsSource;
  /** Looks at all once. Never throws. */
  look(): Promise<void>;
  /** Watches those of other settings; what is known of one that stays is kept. */
  reload(settings: UpstreamSettings): void;
  stop(): void;
}

/** What of the settings is about upstreams. */
export type UpstreamSettings = Pick<Settings, 'config' | 'upstreamMemory' | 'upstreamPems'>;

/** What it works with. */
export interface UpstreamsDeps {
  /** The row of this thread in the shared memory. */
  readonly row: number;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'info' | 'error'>;
  /** Tells a worker what came of a request that waits. */
  readonly tell: (row: number, message: PlaceTold) => void;
  /** Told when one has said something new. */
  readonly onNews: (known: KnownUpstreams) => void;
}

const LOOK_EVERY_MS = 10_000;
/** A look waits no longer, whatever answers may take. */
const LOOK_TIMEOUTS = { firstByteMs: 10_000, betweenChunksMs: 10_000 };
const NO_PEMS: UpstreamPems = { caPem: undefined, certPem: undefined, keyPem: undefined };

/** Begins to watch the upstreams of the settings. */
export function openUpstreams(first: UpstreamSettings, deps: UpstreamsDeps): Upstreams {
  const { row, clock, log } = deps;
  let settings = first;
  let known: KnownUpstreams = first.config.upstreams.map(() => ({ models: undefined, version: undefined }));
  const queue = startUpstreamQueue(first.config, first.upstreamMemory, { tell: deps.tell, clock });
  let watch = watchOf(first);

  function watchOf({ config, upstreamMemory, upstreamPems }: UpstreamSettings) {
    const clients = config.upstreams.map((upstream, index) =>
      createHttpUpstream(
        { url: upstream.url, tls: { ...(upstreamPems[index] ?? NO_PEMS), serverName: upstream.tls.serverName } },
        { ...upstream.timeouts, ...LOOK_TIMEOUTS },
      ),
    );
    const asking = { upstreams: clients, userAgent: USER_AGENT };
    const states = createUpstreamStates(upstreamMemory, row);
    const loads = watchLoads(config, {
      ...asking,
      isBusy: (index) => queue.isBusy(index),
      onLoad: (index, load) => queue.loadSeen(index, load),
    });
    const own = watchUpstreams(config, {
      ...{ ...asking, states, everyMs: LOOK_EVERY_MS },
      onDown: (index, why) => log.error('upstream_down', { upstream: config.upstreams[index]?.name, why }),
      onUp: (index) => log.info('upstream_up', { upstream: config.upstreams[index]?.name }),
      onNews(news) {
        known = news;
        deps.onNews(news);
      },
    });
    return {
      ...{ states, watched: own.watched, metrics: createEngineMetrics(config, { ...asking, clock }) },
      look: () => own.look(),
      stop() {
        loads.stop();
        own.stop();
      },
    };
  }

  return {
    queue,
    known: () => known,
    views: () => viewsOfUpstreams(settings.config.upstreams, watch.watched, watch.states, (index) => queue.load(index)),
    metrics: (name) => watch.metrics(name),
    look: () => watch.look(),
    reload(next) {
      queue.configure(next.config, next.upstreamMemory);
      const before = settings.config.upstreams;
      known = next.config.upstreams.map(({ name, url }) => {
        const seen = watch.watched[before.findIndex((upstream) => upstream.name === name && upstream.url === url)];
        return { models: seen?.models, version: seen?.version };
      });
      settings = next;
      watch.stop();
      watch = watchOf(next);
    },
    stop() {
      watch.stop();
      queue.stop();
    },
  };
}
