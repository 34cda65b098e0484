import type { ServerResponse } from 'node:http';
import { misbehaviourKinds, parseMisbehaviour, type Orders } from '../../simulator/misbehaviour.ts';
import type { ReceivedLog } from '../../simulator/received.ts';

/** Beginning of the paths by which tests look into the simulator and steer it. */
export const CONTROL_PREFIX = '/_simulator/';

/** A request of a test. */
export interface ControlRequest {
  readonly res: ServerResponse;
  readonly log: ReceivedLog;
  /** Most requests that were answered at once. */
  readonly peak: number;
  readonly orders: Orders;
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

/**
 * Answers `GET` and `DELETE /_simulator/requests` and `POST` and `DELETE /_simulator/misbehave`. The list of requests
 * comes with the number of those that run in the header `x-simulator-running`, and the most that ran at once in `x-simulator-peak`.
 */
export function control({ res, log, peak, orders, method, path, body }: ControlRequest): void {
  switch (`${method} ${path}`) {
    case 'GET /_simulator/requests':
      res.setHeader('x-simulator-running', log.running());
      res.setHeader('x-simulator-peak', peak);
      send(res, 200, log.list());
      return;
    case 'DELETE /_simulator/requests':
      log.clear();
      send(res, 204);
      return;
    case 'POST /_simulator/misbehave': {
      const order = parseMisbehaviour(body);
      if (order !== undefined) orders.add(order);
      if (order === undefined) send(res, 400, { error: 'not a misbehaviour', kinds: misbehaviourKinds });
      else send(res, 204);
      return;
    }
    case 'DELETE /_simulator/misbehave':
      orders.clear();
      send(res, 204);
      return;
    default:
      send(res, 404, { error: 'no such control' });
  }
}

function send(res: ServerResponse, status: number, value?: unknown): void {
  res.statusCode = status;
  if (value === undefined) {
    res.end();
    return;
  }
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(value));
}
