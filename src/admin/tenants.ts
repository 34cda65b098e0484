import * as z from 'zod';
import type { RecordChange, TenantRecord } from '../directory/records.ts';
import { markOf, OWN_ISSUER, revocationChange } from '../directory/revocations.ts';
import { VersionConflict } from '../directory/store.ts';
import { list, text } from '../kernel/option.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import {
  limitFields,
  limitsFrom,
  limitsShown,
  poolFields,
  poolFrom,
  poolShown,
  showLimits,
  showPool,
} from './limit-schema.ts';
import { operation, type Answer, type Asked, type Operation, type Resource } from './operation.ts';
import { pageFrom, pageOf, pageQuery } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { changeRecord, isDenial } from './precondition.ts';

const NAME = 'Give a name of 1 to 63 characters a-z, 0-9 and -, which begins and ends with a letter or digit.';

const models = list(text('Give the name of a model.', (name) => name.length <= 256))
  .min(1, { error: 'Give at least one model, or leave it out for all.' })
  .max(256, { error: 'Give at most 256 models.' })
  .describe('Models that its keys may be granted; `*` are all.');

/** What a new tenant is to be. */
export const tenantWish = z.strictObject({
  name: z.string({ error: NAME }).regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: NAME }),
  models: models.optional(),
  ...limitFields,
  ...poolFields,
});
const tenantEdit = z.strictObject({ models, ...limitFields, ...poolFields }).partial();

/** A tenant as the admin API shows it. */
export const tenantShown = z.strictObject({
  id: z.string().describe('The name.'),
  name: z.string(),
  models: z.array(z.string()),
  ...limitsShown,
  ...poolShown,
  state: z.enum(['active', 'disabled']),
  createdAt: z.iso.datetime(),
  version: z.int(),
});

/** A page of tenants. */
export const tenantPage = pageOf(tenantShown);

/** A tenant for people. */
export type TenantShown = z.output<typeof tenantShown>;

/** Tenants: whose requests and keys are kept apart from others'. */
export const tenants: Resource = {
  name: 'tenants',
  schemas: { Tenant: tenantShown, TenantPage: tenantPage, TenantWish: tenantWish, TenantEdit: tenantEdit },
  operations: tenantOperations,
};

const example: TenantShown = {
  id: 'acme',
  name: 'acme',
  models: ['*'],
  ...showLimits({}),
  ...showPool({}),
  state: 'active',
  createdAt: '2030-01-01T00:00:00.000Z',
  version: 1,
};

function tenantOperations(deps: AdminDeps): readonly Operation[] {
  const { directory } = deps;

  /** What the clients of a disabled tenant have got ends with it, also what people of other tenants have let them have. */
  function clientEnds({ id, isDisabled }: TenantRecord): readonly RecordChange[] {
    const own = isDisabled ? directory.clients.values().filter(({ tenant }) => tenant === id) : [];
    return [...own].map((client) =>
      revocationChange(directory, markOf('client', OWN_ISSUER, client.id), true, undefined, deps.clock.nowMs()),
    );
  }

  async function change(
    { id, ifMatch, actor }: Asked<unknown, unknown>,
    action: string,
    edit: (record: TenantRecord) => TenantRecord,
  ): Promise<Answer<TenantShown> | Denial> {
    const changed = await changeRecord(deps, {
      read: () => directory.tenants.get(id),
      ifMatch,
      edit,
      changeOf: (record, expectedVersion) => [{ kind: 'tenant', record, expectedVersion }, ...clientEnds(record)],
    });
    if (isDenial(changed)) return changed;
    const { record, committed } = changed;
    if (committed === undefined) return { value: show(record), version: record.version };
    deps.logChange(actor, `tenants.${action}`, id);
    return { value: show(record), version: record.version, committed };
  }

  return [
    operation({
      id: 'listTenants',
      method: 'GET',
      path: '/tenants',
      scope: 'admin:read',
      summary: 'List tenants, oldest first.',
      status: 200,
      query: z.strictObject(pageQuery),
      response: tenantPage,
      example: { items: [example], next: null },
      handle({ query }) {
        const page = pageFrom(directory.tenants.values(), query, (id) => directory.tenants.get(id));
        return isDenial(page) ? page : { value: { items: page.items.map(show), next: page.next } };
      },
    }),
    operation({
      id: 'createTenant',
      method: 'POST',
      path: '/tenants',
      scope: 'admin:write',
      summary: 'Create a tenant.',
      status: 201,
      isOnce: true,
      body: tenantWish,
      response: tenantShown,
      example,
      async handle({ body, actor }) {
        const record: TenantRecord = {
          id: body.name,
          models: body.models,
          limits: limitsFrom(body),
          pool: poolFrom(body),
          isDisabled: false,
          createdAtMs: deps.clock.nowMs(),
          version: 1,
        };
        const taken = deny('conflict', { param: 'name', message: `There is a tenant ${record.id} already.` });
        if (directory.tenants.has(record.id)) return taken;
        try {
          const committed = await deps.commit([{ kind: 'tenant', record, expectedVersion: 0 }]);
          deps.logChange(actor, 'tenants.create', record.id);
          return { value: show(record), version: 1, committed, location: `/tenants/${record.id}` };
        } catch (error) {
          if (error instanceof VersionConflict) return taken;
          throw error;
        }
      },
    }),
    operation({
      id: 'getTenant',
      method: 'GET',
      path: '/tenants/{id}',
      scope: 'admin:read',
      summary: 'Show a tenant.',
      status: 200,
      response: tenantShown,
      example,
      handle({ id }) {
        const record = directory.tenants.get(id);
        return record === undefined ? deny('unknown_object') : { value: show(record), version: record.version };
      },
    }),
    operation({
      id: 'editTenant',
      method: 'PATCH',
      path: '/tenants/{id}',
      scope: 'admin:write',
      summary: 'Change the models that the keys of a tenant may use, or its limits.',
      status: 200,
      body: tenantEdit,
      response: tenantShown,
      example,
      handle: (asked) =>
        change(asked, 'edit', (record) => (Object.keys(asked.body).length === 0 ? record : edited(record, asked.body))),
    }),
    ...(
      [
        ['disable', true, 'Disable a tenant: its keys and clients stop working and what runs on them ends.'],
        ['enable', false, 'Enable a tenant that was disabled.'],
      ] as const
    ).map(([verb, isDisabled, summary]) =>
      operation({
        id: `${verb}Tenant`,
        method: 'POST',
        path: `/tenants/{id}/${verb}`,
        scope: 'admin:write',
        summary,
        status: 200,
        response: tenantShown,
        example: { ...example, state: isDisabled ? 'disabled' : 'active', version: 2 },
        handle: (asked) =>
          change(asked, verb, (record) =>
            record.isDisabled === isDisabled ? record : { ...record, isDisabled, version: record.version + 1 },
          ),
      }),
    ),
  ];
}

const edited = (record: TenantRecord, given: z.output<typeof tenantEdit>): TenantRecord => ({
  ...record,
  models: given.models ?? record.models,
  limits: limitsFrom(given, record.limits),
  pool: poolFrom(given, record.pool),
  version: record.version + 1,
});

function show(record: TenantRecord): TenantShown {
  return {
    id: record.id,
    name: record.id,
    models: [...(record.models ?? ['*'])],
    ...showLimits(record.limits),
    ...showPool(record.pool),
    state: record.isDisabled ? 'disabled' : 'active',
    createdAt: new Date(record.createdAtMs).toISOString(),
    version: record.version,
  };
}
