import * as z from 'zod';
import {
  importApiKey,
  issueApiKey,
  rotateApiKey,
  DEFAULT_SCOPES,
  type ApiKeyWish,
  type Issuer,
} from '../directory/issue.ts';
import { isSameDigest } from '../directory/api-key.ts';
import type { ApiKeyRecord } from '../directory/records.ts';
import { VersionConflict } from '../directory/store.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import {
  apiKeyEdit,
  apiKeyImport,
  apiKeyPage,
  apiKeyShown,
  apiKeyWish,
  apiKeyWithValue,
  exampleApiKey,
  rotation,
  showApiKey,
} from './api-key-schema.ts';
import { limitsFrom } from './limit-schema.ts';
import {
  disabledTenant,
  expiryFrom,
  foreignModel,
  noRights,
  pastExpiry,
  unknownBundle,
  unknownOwner,
  unknownTenant,
} from './api-key-rules.ts';
import { operation, type Answer, type Asked, type Operation, type Resource } from './operation.ts';
import { pageFrom, pageQuery } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { unusedOf } from '../directory/unused-permissions.ts';
import { changeRecord, isDenial } from './precondition.ts';

/** API keys: made, listed, changed, rotated, revoked. */
export const apiKeys: Resource = {
  name: 'api-keys',
  schemas: {
    ApiKey: apiKeyShown,
    ApiKeyWithValue: apiKeyWithValue,
    ApiKeyPage: apiKeyPage,
    ApiKeyWish: apiKeyWish,
    ApiKeyImport: apiKeyImport,
    ApiKeyEdit: apiKeyEdit,
    ApiKeyRotation: rotation,
  },
  operations: apiKeyOperations,
};

const exampleValue = 'sp_Ab12cd_00000000000000000000000000000000000000';

function apiKeyOperations(deps: AdminDeps): readonly Operation[] {
  const { directory, clock } = deps;
  const issuer: Issuer = {
    hmacKey: deps.hmacKey,
    randomBytes: deps.randomBytes,
    isTaken: (id) => directory.apiKeys.has(id),
  };
  const show = (record: ApiKeyRecord) =>
    showApiKey(record, directory.lastUseMs(record.id), unusedOf(`key:${record.id}`, record, deps), clock.nowMs());
  /** Digests of secrets that are on their way into the store: of two at once each would find no other. */
  const importing = new Set<string>();
  const find = (id: string): ApiKeyRecord | undefined => {
    const record = directory.apiKeys.get(id);
    return record?.state === 'deleted' ? undefined : record;
  };

  /** What a new key is to be, the rules of its tenant kept. */
  function wishFrom(body: z.output<typeof apiKeyWish>, nowMs: number): ApiKeyWish | Denial {
    const tenant = directory.tenants.get(body.tenant ?? 'default');
    if (tenant === undefined) return unknownTenant(body.tenant ?? 'default', [...directory.tenants.keys()]);
    const expiresAtMs = expiryFrom(body.expires, nowMs);
    const refused =
      disabledTenant(tenant) ??
      foreignModel(tenant, body.models) ??
      unknownOwner(body.owner, tenant.id, directory) ??
      unknownBundle(body, directory) ??
      pastExpiry(expiresAtMs, nowMs);
    if (refused !== undefined) return refused;
    const [roles, groups] = [body.roles ?? [], body.groups ?? []];
    // Whoever names a role means what it gives, and nothing beside it.
    const isBare = roles.length + groups.length === 0;
    const scopes = body.scopes ?? (isBare ? DEFAULT_SCOPES : []);
    const models = body.models ?? (isBare ? undefined : []);
    const nothing = noRights({ scopes, models, roles, groups });
    if (nothing !== undefined) return nothing;
    return {
      name: body.name,
      tenant: tenant.id,
      scopes,
      models,
      allowIp: body.allowIp ?? [],
      denyIp: body.denyIp ?? [],
      limits: limitsFrom(body),
      grants: body.grants ?? [],
      caps: body.caps ?? {},
      onBehalfOf: body.onBehalfOf ?? undefined,
      owner: body.owner ?? undefined,
      roles,
      groups,
      expiresAtMs,
    };
  }

  async function change(
    { id, ifMatch, actor }: Asked<unknown, unknown>,
    action: string,
    edit: (record: ApiKeyRecord) => ApiKeyRecord | Denial,
  ): Promise<Answer<z.input<typeof apiKeyShown>> | Denial> {
    const changed = await changeRecord(deps, {
      read: () => find(id),
      ifMatch,
      edit,
      changeOf: (record, expectedVersion) => ({ kind: 'api-key', record, expectedVersion }),
    });
    if (isDenial(changed)) return changed;
    const { record, committed } = changed;
    if (committed === undefined) return { value: show(record), version: record.version };
    deps.logChange(actor, `api-keys.${action}`, id);
    return { value: show(record), version: record.version, committed };
  }

  const toState =
    (state: ApiKeyRecord['state']) =>
    (record: ApiKeyRecord): ApiKeyRecord | Denial => {
      if (record.state === state) return record;
      if (record.state === 'revoked' && state !== 'deleted') {
        return deny('conflict', { message: 'This API key was revoked, which cannot be undone: create a new one.' });
      }
      return { ...record, state, version: record.version + 1 };
    };

  return [
    operation({
      id: 'listApiKeys',
      method: 'GET',
      path: '/api-keys',
      scope: 'admin:read',
      summary: 'List API keys, oldest first; deleted ones are hidden.',
      status: 200,
      query: z.strictObject({ ...pageQuery, tenant: z.string().optional().describe('Only those of this tenant.') }),
      response: apiKeyPage,
      example: { items: [exampleApiKey], next: null },
      handle({ query }) {
        const live = directory.apiKeys
          .values()
          .filter(({ state, tenant }) => state !== 'deleted' && tenant === (query.tenant ?? tenant));
        const page = pageFrom(live, query, (id) => directory.apiKeys.get(id));
        return isDenial(page) ? page : { value: { items: page.items.map(show), next: page.next } };
      },
    }),
    operation({
      id: 'createApiKey',
      method: 'POST',
      path: '/api-keys',
      scope: 'admin:write',
      summary: 'Create an API key. Its value is in this answer and nowhere else.',
      status: 201,
      isOnce: true,
      body: apiKeyWish,
      response: apiKeyWithValue,
      example: { ...exampleApiKey, key: exampleValue },
      async handle({ body, actor }) {
        // Read once: a key of `expires: 30d` ends 30 days after it was made, to the millisecond.
        const nowMs = clock.nowMs();
        const wish = wishFrom(body, nowMs);
        if (isDenial(wish)) return wish;
        for (;;) {
          const { record, value } = issueApiKey(wish, issuer, nowMs);
          try {
            const committed = await deps.commit([{ kind: 'api-key', record, expectedVersion: 0 }]);
            deps.logChange(actor, 'api-keys.create', record.id);
            const location = `/api-keys/${record.id}`;
            return { value: { ...show(record), key: value }, version: record.version, committed, location };
          } catch (error) {
            // Another creation took the same public id in the same moment: the next one is free.
            if (!(error instanceof VersionConflict)) throw error;
          }
        }
      },
    }),
    operation({
      id: 'importApiKey',
      method: 'POST',
      path: '/api-keys/import',
      scope: 'admin:write',
      summary: 'Take over a secret that is in use already, so that its holders can move one by one.',
      status: 201,
      isOnce: true,
      body: apiKeyImport,
      response: apiKeyShown,
      example: { ...exampleApiKey, legacy: true },
      async handle({ body: { value, ...body }, actor }) {
        const nowMs = clock.nowMs();
        const wish = wishFrom(body, nowMs);
        if (isDenial(wish)) return wish;
        const record = importApiKey(wish, value, issuer, nowMs);
        // A revoked secret comes back by no import, and of two records with one value nobody knows which one counts.
        const digest = Buffer.from(record.digest).toString('base64');
        const known =
          importing.has(digest) ||
          [...directory.apiKeys.values()].some(
            (one) =>
              isSameDigest(one.digest, record.digest) ||
              (one.previous !== undefined && isSameDigest(one.previous.digest, record.digest)),
          );
        if (known) return deny('conflict', { message: 'This secret is or was the value of another API key.' });
        importing.add(digest);
        const committed = await deps
          .commit([{ kind: 'api-key', record, expectedVersion: 0 }])
          .finally(() => importing.delete(digest));
        deps.logChange(actor, 'api-keys.import', record.id);
        return { value: show(record), version: record.version, committed, location: `/api-keys/${record.id}` };
      },
    }),
    operation({
      id: 'getApiKey',
      method: 'GET',
      path: '/api-keys/{id}',
      scope: 'admin:read',
      summary: 'Show an API key, without its value.',
      status: 200,
      response: apiKeyShown,
      example: exampleApiKey,
      handle({ id }) {
        const record = find(id);
        return record === undefined ? deny('unknown_object') : { value: show(record), version: record.version };
      },
    }),
    operation({
      id: 'editApiKey',
      method: 'PATCH',
      path: '/api-keys/{id}',
      scope: 'admin:write',
      summary: 'Change fields of an API key; those left out stay.',
      status: 200,
      body: apiKeyEdit,
      response: apiKeyShown,
      example: exampleApiKey,
      handle: (asked) =>
        change(asked, 'edit', (record) => {
          const { body } = asked;
          if (Object.keys(body).length === 0) return record;
          if (record.state === 'revoked') {
            return deny('conflict', {
              message: 'This API key was revoked: what it may do cannot be changed any more.',
            });
          }
          const tenant = directory.tenants.get(record.tenant);
          const expiresAtMs = body.expires === undefined ? record.expiresAtMs : expiryFrom(body.expires, clock.nowMs());
          const isExpiryNew = body.expires !== undefined;
          const refused =
            (tenant === undefined ? undefined : foreignModel(tenant, body.models)) ??
            unknownOwner(body.owner, record.tenant, directory) ??
            unknownBundle(body, directory) ??
            (isExpiryNew ? pastExpiry(expiresAtMs, clock.nowMs()) : undefined);
          if (refused !== undefined) return refused;
          const edited: ApiKeyRecord = {
            ...record,
            name: body.name ?? record.name,
            scopes: body.scopes ?? record.scopes,
            models: body.models ?? record.models,
            allowIp: body.allowIp ?? record.allowIp,
            denyIp: body.denyIp ?? record.denyIp,
            grants: body.grants ?? record.grants,
            caps: body.caps ?? record.caps,
            owner: body.owner === undefined ? record.owner : (body.owner ?? undefined),
            roles: body.roles ?? record.roles,
            groups: body.groups ?? record.groups,
            onBehalfOf: body.onBehalfOf === undefined ? record.onBehalfOf : (body.onBehalfOf ?? undefined),
            limits: limitsFrom(body, record.limits),
            expiresAtMs,
            version: record.version + 1,
          };
          return noRights(edited) ?? edited;
        }),
    }),
    operation({
      id: 'deleteApiKey',
      method: 'DELETE',
      path: '/api-keys/{id}',
      scope: 'admin:write',
      summary: 'Revoke an API key, end what runs on it, and hide it.',
      status: 204,
      async handle(asked) {
        const changed = await change(asked, 'delete', toState('deleted'));
        if (isDenial(changed)) return changed;
        return { value: undefined, ...(changed.committed === undefined ? {} : { committed: changed.committed }) };
      },
    }),
    ...(
      [
        ['revoke', 'revoked', 'Revoke an API key for good and end what runs on it.'],
        ['disable', 'disabled', 'Disable an API key for a while and end what runs on it.'],
        ['enable', 'active', 'Enable an API key that was disabled.'],
      ] as const
    ).map(([verb, state, summary]) =>
      operation({
        id: `${verb}ApiKey`,
        method: 'POST',
        path: `/api-keys/{id}/${verb}`,
        scope: 'admin:write',
        summary,
        status: 200,
        response: apiKeyShown,
        example: { ...exampleApiKey, state, version: 2 },
        handle: (asked) => change(asked, verb, toState(state)),
      }),
    ),
    operation({
      id: 'rotateApiKey',
      method: 'POST',
      path: '/api-keys/{id}/rotate',
      scope: 'admin:write',
      summary: 'Give an API key a new value, which is in this answer and nowhere else.',
      status: 200,
      isOnce: true,
      body: rotation,
      response: apiKeyWithValue,
      example: { ...exampleApiKey, version: 2, key: exampleValue },
      async handle(asked) {
        let key = '';
        const changed = await change(asked, 'rotate', (record) => {
          if (record.state === 'revoked') {
            return deny('conflict', { message: 'This API key was revoked: create a new one.' });
          }
          const issued = rotateApiKey(record, asked.body.overlap, issuer, clock.nowMs());
          key = issued.value;
          return issued.record;
        });
        return isDenial(changed) ? changed : { ...changed, value: { ...changed.value, key } };
      },
    }),
  ];
}
