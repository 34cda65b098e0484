import type { OpenRoute, ParsedHead } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import { matchRoute as matchCatalogue } from '../../vllm/routes/match.ts';
import type { RouteRow } from '../../vllm/routes/route.ts';

/** What the stage needs. */
export interface RouteDeps {
  /** The catalogue: the row of a path. Default: all routes of vLLM that are known. */
  readonly matchRoute?: (path: string) => RouteRow | undefined;
  /** Ids of the openable routes that the configuration opens. Default: none. */
  readonly opened?: ReadonlySet<string>;
}

/**
 * Lets pass only routes that are open to the principal: 404 `unknown_route`, 403 `route_closed`, 405
 * `method_not_allowed`, 403 `insufficient_scope`, 426 `upgrade_required`, in this order. What the catalogue
 * does not know is denied, also where a plugin of vLLM would answer it.
 */
export function createRoute(deps: RouteDeps = {}): Stage<'head' | 'principal', 'route'> {
  const match = deps.matchRoute ?? matchCatalogue;
  const opened = deps.opened ?? new Set<string>();
  const openRoutes = new Map<RouteRow, OpenRoute>(); // one fact per row, not one per request
  return {
    name: 'route',
    adds: ['route'],
    decide(x) {
      const { head, principal } = x;
      const row = match(head.path);
      if (row === undefined) return deny('unknown_route');
      if (isRefusedUpgrade(row, head)) {
        return deny('upgrade_required', { message: 'This route is not offered over WebSocket. Use HTTP.' });
      }
      const route = openRoutes.get(row) ?? remember(openRoutes, row, opened);
      if (route === undefined) return denyClosed(row);
      if (head.method !== route.method) return deny('method_not_allowed', { allow: row.methods.join(', ') });
      if (!principal.scopes.has(route.scope)) {
        return deny('insufficient_scope', {
          scope: route.scope,
          message: `The credential lacks the scope ${route.scope}, which this route needs.`,
        });
      }
      // An upgraded connection of another route would carry frames that no stage looks at.
      if (head.isUpgrade && row.isSocket !== true)
        return deny('upgrade_required', { message: 'This route speaks HTTP/1.1 only, not WebSocket.' });
      x.route = route;
      return undefined;
    },
  };
}

/** A handshake of WebSocket (RFC 6455 §4.1: a GET) that clients try first: whether the route is open or not, it is told so. */
const isRefusedUpgrade = (row: RouteRow, { isUpgrade, method }: ParsedHead): boolean =>
  isUpgrade && method === 'GET' && row.refusesUpgrade === true;

function denyClosed(row: RouteRow): Denial {
  return deny('route_closed', { message: `This route of vLLM is closed at the gateway. ${row.why}` });
}

function remember(
  openRoutes: Map<RouteRow, OpenRoute>,
  row: RouteRow,
  opened: ReadonlySet<string>,
): OpenRoute | undefined {
  const route = openRouteFrom(row, opened);
  if (route !== undefined) openRoutes.set(row, route);
  return route;
}

/** Undefined for a row that is not open, and for one that lacks what an open route must say: fail closed. */
function openRouteFrom(row: RouteRow, opened: ReadonlySet<string>): OpenRoute | undefined {
  const isOpened = row.policy === 'openable' && opened.has(row.id);
  if (row.policy !== 'open' && row.policy !== 'own' && !isOpened) return undefined;
  const [method] = row.methods;
  if (row.scope === undefined || row.family === undefined) return undefined;
  if (row.methods.length !== 1 || (method !== 'GET' && method !== 'POST')) return undefined;
  // A handshake is a GET (RFC 6455 §4.1).
  if (row.isSocket === true && method !== 'GET') return undefined;
  return { id: row.id, family: row.family, method, path: row.path, scope: row.scope };
}
