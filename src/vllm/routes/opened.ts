import { routes } from './index.ts';

/** The options that open routes. */
export interface RouteOpenings {
  /** Ids of routes. */
  readonly openRoutes: readonly string[];
  /** Where adapters may be loaded from. */
  readonly loraPaths: readonly string[];
  /** Whether upstream may be asked to hold responses. */
  readonly storedResponses: boolean;
}

/** Ids of the routes that `validation.openRoutes` may name. */
export const OPENABLE_ROUTES: readonly string[] = routes
  .filter(({ policy, openedBy }) => policy === 'openable' && openedBy === undefined)
  .map(({ id }) => id);

/** Ids of the openable routes that a configuration opens. */
export function openedRoutes({ openRoutes, loraPaths, storedResponses }: RouteOpenings): ReadonlySet<string> {
  const opened = new Set(OPENABLE_ROUTES.filter((id) => openRoutes.includes(id)));
  const isOn = { loraPaths: loraPaths.length > 0, storedResponses };
  for (const { id, openedBy } of routes) if (openedBy !== undefined && isOn[openedBy]) opened.add(id);
  return opened;
}
