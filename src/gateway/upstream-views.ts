import type { UpstreamStates } from '../forward/upstream-states.ts';
import type { Config } from '../config/schema.ts';
import type { UpstreamQueue } from './upstream-queue.ts';
import type { UpstreamWatch } from './upstream-watch.ts';

/** How upstreams are doing, as the admin API and the metrics show it. */
export const viewsOfUpstreams = (
  upstreams: Config['upstreams'],
  watched: UpstreamWatch['watched'],
  states: UpstreamStates,
  loadOf: UpstreamQueue['load'],
) =>
  upstreams.map(({ name, url }, index) => {
    const seen = watched[index];
    const isUp = states.isUp(index) && seen?.why === undefined;
    return {
      name,
      url,
      state: isUp ? ('up' as const) : seen?.why === 'not asked yet' ? ('unknown' as const) : ('down' as const),
      version: seen?.version,
      models: (seen?.models ?? []).map(({ id }) => id),
      contexts: Object.fromEntries(
        (seen?.models ?? []).flatMap(({ id, maxModelLen }) => (maxModelLen === undefined ? [] : [[id, maxModelLen]])),
      ),
      outstanding: states.outstanding(index),
      ...loadOf(index),
      why: seen?.why,
    };
  });
