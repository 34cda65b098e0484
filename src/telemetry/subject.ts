import type { RequestRecord } from '../kernel/record.ts';
import type { Attributes } from './otlp.ts';
import { ATTRIBUTE, OPERATIONS, PROVIDER } from './names.ts';

/** What is known of a route beside its id. */
export interface RouteFacts {
  /** As the catalogue has it, ids in braces. */
  readonly path: string;
  readonly family: string | undefined;
}

/** Where an upstream is. */
export interface ServerFacts {
  readonly address: string;
  readonly port: number | undefined;
}

/** What records name and spans spell out. */
export interface Surroundings {
  readonly routes: ReadonlyMap<string, RouteFacts>;
  readonly upstreams: ReadonlyMap<string, ServerFacts>;
}

/** The methods that have a name of their own in the conventions. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);

/** A method as the conventions have it: callers may send any. */
export const methodOf = ({ method }: RequestRecord): string => (METHODS.has(method) ? method : '_OTHER');

/** What the request's route does, in the words of the conventions; undefined where it asks no model, or never came to upstream. */
export function operationOf(record: RequestRecord, { routes }: Surroundings): string | undefined {
  if (record.upstream === undefined || record.route === undefined) return undefined;
  return OPERATIONS[routes.get(record.route)?.family ?? ''];
}

/** Whether it is one of the failures of ours or of upstream's. */
export const isFailed = ({ outcome, status }: RequestRecord): boolean =>
  outcome === 'fault' || outcome === 'cut' || status >= 500;

/** Whom upstream's call went to, and for what. A model is named only where it was asked: before that its name may be any text. */
export function callAttributes(record: RequestRecord, around: Surroundings): Attributes {
  const server = around.upstreams.get(record.upstream ?? '');
  return {
    [ATTRIBUTE.operation]: operationOf(record, around),
    [ATTRIBUTE.provider]: PROVIDER,
    [ATTRIBUTE.requestModel]: record.model,
    [ATTRIBUTE.serverAddress]: server?.address,
    [ATTRIBUTE.serverPort]: server?.port,
  };
}
