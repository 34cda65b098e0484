import { isLaxObject, parseLaxJson } from './lax-json.ts';

/** What a simulated vLLM can be told to do wrong. */
export const misbehaviourKinds = [
  'cut-stream', //            ends the connection after two events, or in the middle of a JSON body
  'hang', //                  takes the request and never answers
  'hang-stream', //           sends two events and then nothing
  'reset', //                 resets the connection before a head (RST)
  'garbage', //               answers bytes that are not HTTP
  'garbage-sse', //           sends events whose data is not JSON
  'leak-path-error', //       500 whose message has a path, an address and a stack
  'error-500', //             500 as recorded
  'error-in-stream', //       200, one event, then the recorded error event and [DONE]
  'error-401', //             401 as recorded, as if the gateway's key were wrong
  'error-404-model', //       404 as recorded
  'context-length', //        400 as recorded
  'scaling-503', //           503 with vLLM's string error
  'redirect', //              307 to another host
  'slow-head', //             answers after `ms`
  'slow-body', //             sends head and first event, and the rest after `ms`
  'huge-head', //             a head of `bytes`
  'wrong-content-length', //  announces `bytes` more than it sends (fewer where negative), then ends
  'no-read', //               does not read the body, answers nothing
  'huge-event', //            one event of `bytes`
  'odd-headers', //           set-cookie, server secrets and hop-by-hop headers on a 200
  'interim', //               103 Early Hints, then the answer
  'big-answer', //            a JSON body of `bytes`
  'burst', //                 all events in one write
  'split', //                 every byte of the events in a write of its own
  'gzip', //                  the answer compressed although nobody asked
  'error-200', //             200 with an error in place of the answer
  'html', //                  200 with a web page
  'close-delimited', //       a body that ends with the connection
  'early-close', //           a whole answer that says `connection: close`
  'keep-alive-cut', //        a whole answer, then the connection is closed without saying so
] as const;

/** One of the ways to misbehave. */
export type MisbehaviourKind = (typeof misbehaviourKinds)[number];

/** An order to misbehave. */
export interface Misbehaviour {
  readonly kind: MisbehaviourKind;
  /** How many of the next requests. Integer >= 1. */
  readonly times: number;
  /** Only requests for exactly this path; undefined: every POST. */
  readonly path: string | undefined;
  /** For the kinds that wait. */
  readonly ms: number;
  /** For the kinds that have a size; undefined: the kind's own. */
  readonly bytes: number | undefined;
}

/** An order as a test gives it. */
export type MisbehaviourOrder = Pick<Misbehaviour, 'kind'> & Partial<Misbehaviour>;

/** Completes an order; `times` is 1 unless it says more. */
export function misbehaviourFrom(order: MisbehaviourOrder): Misbehaviour {
  const { kind, times = 1, path, ms = 200, bytes } = order;
  return { kind, times, path, ms, bytes };
}

/** Reads an order from a body; undefined where it is none. */
export function parseMisbehaviour(body: Buffer): Misbehaviour | undefined {
  const parsed = parseLaxJson(body);
  if (parsed.kind !== 'value' || !isLaxObject(parsed.value)) return undefined;
  const { kind, times = 1, path, ms = 200, bytes } = parsed.value;
  const known = misbehaviourKinds.find((name) => name === kind);
  if (known === undefined || typeof times !== 'number' || typeof ms !== 'number' || !(times >= 1)) return undefined;
  if (path !== undefined && typeof path !== 'string') return undefined;
  if (bytes !== undefined && typeof bytes !== 'number') return undefined;
  return { kind: known, times, path, ms, bytes };
}

/** The orders that are not used up yet, oldest first. */
export interface Orders {
  add(order: Misbehaviour): void;
  /** Takes the oldest order that is meant for such a request. */
  take(method: string, path: string): Misbehaviour | undefined;
  clear(): void;
}

/** An empty list of orders. */
export function createOrders(): Orders {
  let orders: { readonly order: Misbehaviour; left: number }[] = [];
  return {
    add: (order) => void orders.push({ order, left: order.times }),
    take(method, path) {
      const found = orders.find(({ order }) => (order.path === undefined ? method === 'POST' : order.path === path));
      if (found === undefined) return undefined;
      found.left--;
      orders = orders.filter(({ left }) => left > 0);
      return found.order;
    },
    clear: () => void (orders = []),
  };
}
