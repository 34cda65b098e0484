import * as z from 'zod';
import type { ApiKeyRecord, TenantRecord } from '../directory/records.ts';
import { rightsOf } from '../directory/rights.ts';
import type { OwnLimits } from '../kernel/own-limits.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';
import type { AdminDeps } from './ports.ts';

const limitShown = z.strictObject({
  name: z.string().describe('As headers and refusals name it.'),
  from: z.string().describe('What it comes from: key, group or role, tenant, configuration, a pool or a rule.'),
  counts: z.string().describe('requests, tokens, inputTokens, outputTokens, cost, concurrency or streams.'),
  per: z.string().nullable().describe('s, min, h, day or month; null: at once.'),
  limit: z.number(),
  used: z
    .number()
    .describe(
      'With what running requests have set aside. More than `limit` where requests cost more than they were estimated at.',
    ),
  remaining: z.number(),
  resetsAt: z.iso.datetime().nullable().describe('When all of it is there again; null: it is.'),
});

/** Every limit that holds for an API key. */
export const limitList = z.strictObject({ apiKey: z.string(), limits: z.array(limitShown) });

/** The limits of API keys, as they stand. */
export const limits: Resource = {
  name: 'limits',
  schemas: { LimitList: limitList },
  operations: (deps) => [
    operation({
      id: 'getLimits',
      method: 'GET',
      path: '/limits/{id}',
      scope: 'admin:read',
      summary: 'Show every limit that holds for an API key, what it comes from, how full it is and until when.',
      status: 200,
      response: limitList,
      example: {
        apiKey: 'Ab12cd',
        limits: [
          {
            name: 'budget',
            from: 'key',
            counts: 'tokens',
            per: 'day',
            limit: 1_000_000,
            used: 250_000,
            remaining: 750_000,
            resetsAt: '2030-01-02T00:00:00.000Z',
          },
        ],
      },
      async handle({ id }) {
        const record = deps.directory.apiKeys.get(id);
        if (record === undefined || record.state === 'deleted') return deny('unknown_object');
        const views = await deps.limitsOf(id);
        return {
          value: {
            apiKey: id,
            limits: views.map(({ limit, max, used, remaining, resetsAtMs }) => ({
              name: limit.name,
              from: originOf(limit.name, record, deps),
              counts: limit.unit,
              per: limit.per ?? null,
              limit: max,
              used,
              remaining,
              resetsAt: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
            })),
          },
        };
      },
    }),
  ],
};

const OWN: Readonly<Record<string, keyof OwnLimits>> = {
  requests: 'requestsPerMinute',
  tokens: 'tokensPerMinute',
  concurrency: 'concurrency',
  budget: 'budget',
};

function originOf(name: string, record: ApiKeyRecord, { directory }: Pick<AdminDeps, 'directory'>): string {
  const own = OWN[name];
  if (own === undefined) return name.includes('.') ? otherOrigin(name) : name;
  if (record.limits[own] !== undefined) return 'key';
  const held = rightsOf(record, record.tenant, directory);
  if (held.limits[own] !== undefined) return 'group or role';
  const tenant: TenantRecord | undefined = directory.tenants.get(record.tenant);
  return tenant?.limits[own] === undefined ? 'configuration' : 'tenant';
}

function otherOrigin(name: string): string {
  const scope = name.slice(0, name.lastIndexOf('.'));
  if (scope === 'tenant') return 'pool of the tenant';
  if (scope === 'member') return 'configuration';
  return scope.startsWith('group.') ? `pool of the group ${decodeURI(scope.slice('group.'.length))}` : `rule ${scope}`;
}
