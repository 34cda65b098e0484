import type { Pipeline } from '../kernel/stage.ts';

/** The pipelines of the public listener. */
export interface Pipelines {
  readonly inference: Pipeline;
  readonly models: Pipeline;
  readonly usage: Pipeline;
  readonly realtime: Pipeline;
  readonly wellKnown: Pipeline;
  readonly oauth: Pipeline;
  readonly preflight: Pipeline;
}

/**
 * Paths of the authorization server: its endpoints, metadata (RFC 8414, OpenID Connect Discovery) and pages. Each has one
 * spelling: the library answers `/DEVICE` and `/oauth/token/`, too, and limits that know a path by its name would miss those.
 */
const OAUTH_PATH =
  /^\/(oauth\/[a-z_]+|oauth\/(interaction|authorize)(\/[A-Za-z0-9_-]+){1,2}|device(\/[A-Za-z0-9_-]+)?|account(\/[a-z-]+)?|\.well-known\/(oauth-authorization-server|openid-configuration))$/;

/**
 * Which pipeline a path of the public listener takes; what no route knows is refused inside it.
 *
 * @param isOAuthOn whether the authorization server answers; while it does not, its paths are like any other
 */
export function publicPipelineOf(pipelines: Pipelines, path: string, isOAuthOn: boolean): Pipeline {
  if (isOAuthOn && OAUTH_PATH.test(path)) return pipelines.oauth;
  if (path.startsWith('/.well-known/')) return pipelines.wellKnown;
  if (path === '/v1/realtime') return pipelines.realtime;
  if (path === '/v1/usage') return pipelines.usage;
  return path === '/v1/models' ? pipelines.models : pipelines.inference;
}
