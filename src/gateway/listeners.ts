import type { Pipeline } from '../kernel/stage.ts';

/** The pipelines of the public listener. */
export interface Pipelines {
  readonly inference: Pipeline;
  readonly models: Pipeline;
  readonly realtime: Pipeline;
  readonly wellKnown: Pipeline;
  readonly preflight: Pipeline;
}

/** Which pipeline a path of the public listener takes; what no route knows is refused inside it. */
export function publicPipelineOf(pipelines: Pipelines, path: string): Pipeline {
  if (path.startsWith('/.well-known/')) return pipelines.wellKnown;
  if (path === '/v1/realtime') return pipelines.realtime;
  return path === '/v1/models' ? pipelines.models : pipelines.inference;
}
