import * as z from 'zod';
import type { Denial } from '../kernel/reasons.ts';
import { isMistakes, readFields, type Mistakes } from './mistakes.ts';
import type { Actor, AdminDeps, Committed } from './ports.ts';

/** What one request asks of an operation, after its fields were read. */
export interface Asked<Body, Query> {
  /** The `{id}` of the path; empty where it has none. */
  readonly id: string;
  readonly body: Body;
  readonly query: Query;
  /** `If-Match` as sent. */
  readonly ifMatch: string | undefined;
  readonly actor: Actor;
}

/** What an operation answers. */
export interface Answer<Value> {
  readonly value: Value;
  /** Version of the object, for `ETag`. */
  readonly version?: number;
  /** How the change arrived at the workers. */
  readonly committed?: Committed;
  /** Path of a new object below `/api/v1`, for `Location`. */
  readonly location?: string;
}

/** One operation of the admin API. The listener, the socket, the commands and the OpenAPI document all come from it. */
export interface OperationRow<Body extends z.ZodType, Query extends z.ZodObject, Response extends z.ZodType> {
  /** Unique name, `operationId` in the OpenAPI document. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path below `/api/v1`; the one parameter is `{id}`. */
  readonly path: string;
  readonly scope: 'admin:read' | 'admin:write' | 'audit:read';
  readonly summary: string;
  /** 204 has no response. */
  readonly status: 200 | 201 | 204;
  /** Left out, a body is not looked at. */
  readonly body?: Body;
  /** Most bytes of a body; left out, `MAX_BODY_BYTES`. */
  readonly maxBodyBytes?: () => number;
  /** Left out, there is no query parameter. */
  readonly query?: Query;
  readonly response?: Response;
  /** An answer as it may be. */
  readonly example?: z.input<Response>;
  /** Honours `Idempotency-Key`: its answer shows something that is shown once. */
  readonly isOnce?: true;
  /** Answers `Accept: text/event-stream` with its answer every second, as events of this name. */
  readonly live?: string;
  readonly handle: (
    asked: Asked<z.output<Body>, z.output<Query>>,
  ) => Answer<z.input<Response>> | Denial | Promise<Answer<z.input<Response>> | Denial>;
}

/** An operation whose fields' types are behind it. */
export interface Operation extends Omit<
  OperationRow<z.ZodType, z.ZodObject, z.ZodType>,
  'handle' | 'body' | 'query' | 'response' | 'example'
> {
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodObject;
  readonly response: z.ZodType | undefined;
  readonly example: unknown;
  /** Reads the fields, then does the work. */
  readonly run: (asked: Asked<unknown, unknown>) => Promise<Answer<unknown> | Denial | Mistakes>;
}

/** A kind of object of the admin API, one file each. */
export interface Resource {
  /** First segment of its paths. */
  readonly name: string;
  /** Its schemas under the names that the OpenAPI document gives them. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly operations: (deps: AdminDeps) => readonly Operation[];
}

/** Makes an operation of its row. */
export function operation<
  Body extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodObject = z.ZodObject<Record<string, never>, z.core.$strict>,
  Response extends z.ZodType = z.ZodUndefined,
>(row: OperationRow<Body, Query, Response>): Operation {
  const { body, query, response, example, handle, ...rest } = row;
  const querySchema: z.ZodObject = query ?? z.strictObject({});
  return {
    ...rest,
    body,
    query: querySchema,
    response,
    example,
    async run(asked) {
      const queryRead = readFields(querySchema, asked.query, 'query');
      const bodyRead = body === undefined ? { fields: undefined } : readFields(body, asked.body, 'body');
      if (isMistakes(queryRead)) return queryRead;
      if (isMistakes(bodyRead)) return bodyRead;
      // The two schemas have just given these values; the type parameters were lost where `run` forgets them.
      const read = { ...asked, body: bodyRead.fields, query: queryRead.fields } as Asked<
        z.output<Body>,
        z.output<Query>
      >;
      return handle(read);
    },
  };
}
