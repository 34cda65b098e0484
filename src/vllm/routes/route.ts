import type { RouteFamily } from '../../kernel/exchange.ts';
import type { Scope } from '../../kernel/scope.ts';

/** A method that a route of vLLM answers. */
export type RouteMethod = 'GET' | 'POST' | 'DELETE';

/** What a route is for: answers of a model · facts about the server · power over the server · its insides. */
export type RouteClass = 'inference' | 'metadata' | 'admin' | 'debug';

/**
 * What the gateway does with a route: `open` forwards it to who has its scope · `own` answers it itself to
 * who has its scope · `openable` is closed until `validation.openRoutes` names it · `closed` is always refused.
 */
export type RoutePolicy = 'open' | 'own' | 'openable' | 'closed';

/** One route of vLLM. */
export interface RouteRow {
  /** Stable, kebab-case; what `validation.openRoutes` and metrics call it. */
  readonly id: string;
  /**
   * Path in vLLM's own spelling, exact and case-sensitive. A segment `{name}` matches any one segment; a
   * `*` at the end matches every path that begins so; `/*` at the end the path before it and all below it.
   */
  readonly path: string;
  /** Methods that vLLM answers; of a WebSocket route GET, the method of its upgrade (RFC 6455 §4.1). */
  readonly methods: readonly RouteMethod[];
  readonly class: RouteClass;
  /** What a credential must carry where the route is open. */
  readonly scope?: Scope;
  readonly policy: RoutePolicy;
  /** What opens an openable route, where that is not `validation.openRoutes`: an option that it cannot do without. */
  readonly openedBy?: 'loraPaths' | 'storedResponses';
  /** Family of its bodies; where `policy` is not `closed`. */
  readonly family?: RouteFamily;
  /** Is reached by an upgrade to WebSocket. */
  readonly isSocket?: true;
  /** An upgrade is answered with 426, open or closed: clients try WebSocket first and then fall back. */
  readonly refusesUpgrade?: true;
  /** One sentence: why it is open or closed. */
  readonly why: string;
  /** First of the dumped releases that has it; absent: the first dumped one (0.9.2) or one that is in no dump. */
  readonly since?: string;
}
