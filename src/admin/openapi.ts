import * as z from 'zod';
import { SCOPES } from '../kernel/scope.ts';
import { operation, type Operation } from './operation.ts';

type Json = Readonly<Record<string, unknown>>;

const problemShown = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('Stable: what programs compare.'),
  param: z.string().nullable().describe('The field that is wrong.'),
  request_id: z.string(),
  errors: z
    .array(z.strictObject({ code: z.string(), param: z.string().nullable(), detail: z.string() }))
    .optional()
    .describe('All mistakes, where there is more than one.'),
});
const openApiShown = z.looseObject({ openapi: z.string() });

/** Schemas that belong to no resource. */
export const openApiSchemas: Readonly<Record<string, z.ZodType>> = { Problem: problemShown, OpenApi: openApiShown };

/** The operation that serves the document. */
export const openApiOperation = (document: () => Json): Operation =>
  operation({
    id: 'getOpenApi',
    method: 'GET',
    path: '/openapi.json',
    scope: 'admin:read',
    summary: 'This description (OpenAPI 3.1).',
    status: 200,
    response: openApiShown,
    example: { openapi: '3.1.0' },
    handle: () => ({ value: { openapi: '3.1.0', ...document() } }),
  });

/**
 * The OpenAPI 3.1 document of the operations.
 *
 * @param schemas every schema that an operation names, under its name in the document
 */
export function renderOpenApi(
  operations: readonly Operation[],
  schemas: Readonly<Record<string, z.ZodType>>,
  version: string,
): Json {
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]));
  const bodies = new Set(operations.flatMap(({ body }) => (body === undefined ? [] : [names.get(body)])));
  const inputs = schemasAs('input', schemas);
  const outputs = schemasAs('output', schemas);
  const refOf = (schema: z.ZodType): Json => ({ $ref: `${SCHEMAS}${names.get(schema) ?? ''}` });
  const paths: Record<string, Record<string, unknown>> = {};
  for (const one of operations) {
    (paths[`/api/v1${one.path}`] ??= {})[one.method.toLowerCase()] = describe(one, refOf);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport admin API',
      version,
      description: 'Errors are problem details (RFC 9457). On the Unix socket no credential is needed.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.keys(schemas).map((name) => [name, (bodies.has(name) ? inputs : outputs)[name]]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: `An API key. Scopes: ${SCOPES.join(', ')}.` },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
      responses: {
        Problem: {
          description: 'Refused; `code` says why.',
          content: { 'application/problem+json': { schema: { $ref: `${SCHEMAS}Problem` } } },
        },
      },
    },
  };
}

const SCHEMAS = '#/components/schemas/';

function describe(one: Operation, refOf: (schema: z.ZodType) => Json): Json {
  const isChange = one.method !== 'GET' && one.path.includes('{id}');
  return {
    operationId: one.id,
    summary: one.summary,
    description: `Needs the scope \`${one.scope}\`.`,
    tags: [one.path.split('/')[1] ?? ''],
    parameters: [
      ...(one.path.includes('{id}') ? [{ name: 'id', in: 'path', required: true, schema: TEXT }] : []),
      ...queryParameters(one),
      ...(isChange ? [header('If-Match', 'Only where the object still has this ETag.')] : []),
      ...(one.isOnce === true
        ? [header('Idempotency-Key', 'The same again gets the same answer for 10 minutes.')]
        : []),
    ],
    ...(one.body === undefined
      ? {}
      : {
          requestBody: {
            required: !one.body.safeParse({}).success,
            content: { 'application/json': { schema: refOf(one.body) } },
          },
        }),
    responses: {
      [one.status]: {
        description: 'Done.',
        headers: {
          'x-request-id': { schema: TEXT },
          ...(one.path.includes('{id}') && one.status === 200 ? { ETag: { schema: TEXT } } : {}),
          ...(one.method === 'GET'
            ? {}
            : { 'x-sallyport-workers': { schema: TEXT, description: 'confirmed=N, replaced=N' } }),
        },
        ...(one.response === undefined
          ? {}
          : { content: { 'application/json': { schema: refOf(one.response), example: one.example } } }),
      },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

const TEXT = { type: 'string' } as const;

const header = (name: string, description: string): Json => ({ name, in: 'header', schema: TEXT, description });

function queryParameters({ query }: Operation): Json[] {
  return Object.entries(plainSchema(query, 'input')['properties'] ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }));
}

function plainSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  return { ...z.toJSONSchema(schema, { io, unrepresentable: 'any' }) };
}

/** All schemas as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is; they refer to each other by name. */
function schemasAs(io: 'input' | 'output', schemas: Readonly<Record<string, z.ZodType>>): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { io, unrepresentable: 'any', uri: (id) => `${SCHEMAS}${id}` });
  return Object.fromEntries(
    // `$id` would be the base against which the references of the schema are resolved.
    Object.entries(made.schemas).map(([name, schema]) => [
      name,
      Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$id' && key !== '$schema')),
    ]),
  );
}
