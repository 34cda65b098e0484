import * as z from 'zod';
import { issueClient, rotateClientSecret, type ClientIssuer, type ClientWish } from '../directory/clients.ts';
import type { ClientRecord, RecordChange } from '../directory/records.ts';
import { markOf, OWN_ISSUER, revocationChange } from '../directory/revocations.ts';
import type { JsonObject } from '../kernel/json.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { disabledTenant, foreignModel, unknownBundle, unknownTenant } from './api-key-rules.ts';
import { rotation } from './api-key-schema.ts';
import { limitsFrom } from './limit-schema.ts';
import {
  clientEdit,
  clientPage,
  clientShown,
  clientWish,
  clientWithSecret,
  exampleClient,
  showClient,
} from './oauth-client-schema.ts';
import { operation, type Answer, type Asked, type Operation, type Resource } from './operation.ts';
import { pageFrom, pageQuery } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { unusedOf } from '../directory/unused-permissions.ts';
import { changeRecord, isDenial } from './precondition.ts';

/** Clients of our own authorization server. */
export const oauthClients: Resource = {
  name: 'oauth-clients',
  schemas: {
    OAuthClient: clientShown,
    OAuthClientWithSecret: clientWithSecret,
    OAuthClientPage: clientPage,
    OAuthClientWish: clientWish,
    OAuthClientEdit: clientEdit,
  },
  operations: clientOperations,
};

const exampleSecret = 'spcs_0000000000000000000000000000000000000000000';

function clientOperations(deps: AdminDeps): readonly Operation[] {
  const { directory, clock } = deps;
  const issuer: ClientIssuer = { hmacKey: deps.hmacKey, randomBytes: deps.randomBytes };
  const show = (record: ClientRecord) =>
    showClient(record, unusedOf(`client:${record.id}`, record, deps), clock.nowMs());
  const find = (id: string): ClientRecord | undefined => {
    const record = directory.clients.get(id);
    return record?.state === 'deleted' ? undefined : record;
  };

  function wishFrom(body: z.output<typeof clientWish>): ClientWish | Denial {
    const tenant = directory.tenants.get(body.tenant ?? 'default');
    if (tenant === undefined) return unknownTenant(body.tenant ?? 'default', [...directory.tenants.keys()]);
    const refused = disabledTenant(tenant) ?? foreignModel(tenant, body.models) ?? unknownBundle(body, directory);
    if (refused !== undefined) return refused;
    const [kind, ...rest] = (body.certificateName ?? '').split(':');
    return misfit({
      name: body.name,
      tenant: tenant.id,
      grants: body.grants,
      scopes: body.scopes,
      models: body.models,
      groups: body.groups ?? [],
      redirectUris: body.redirectUris ?? [],
      authMethod: body.authMethod ?? 'client_secret_basic',
      jwks: body.jwks as JsonObject | undefined,
      certificateName: body.certificateName === undefined ? undefined : { kind: kind as 'dns', value: rest.join(':') },
      limits: limitsFrom(body),
      accessTokenTtlMs: body.accessTokenTtl,
      isDpopRequired: body.dpopRequired ?? false,
      isParRequired: body.parRequired ?? false,
    });
  }

  async function change(
    { id, ifMatch, actor }: Asked<unknown, unknown>,
    action: string,
    edit: (record: ClientRecord) => ClientRecord | Denial,
  ): Promise<Answer<z.input<typeof clientShown>> | Denial> {
    const changed = await changeRecord(deps, {
      read: () => find(id),
      ifMatch,
      edit,
      changeOf: (record, expectedVersion) => changesOf(record, expectedVersion),
    });
    if (isDenial(changed)) return changed;
    const { record, committed } = changed;
    if (committed === undefined) return { value: show(record), version: record.version };
    deps.logChange(actor, `oauth-clients.${action}`, id);
    return { value: show(record), version: record.version, committed };
  }

  /** A client that may not ask any more, or may do less, takes its tokens with it, in the same moment. */
  function changesOf(record: ClientRecord, expectedVersion: number): RecordChange[] {
    const own: RecordChange = { kind: 'client', record, expectedVersion };
    const before = directory.clients.get(record.id);
    if (record.state === 'active' && !(before !== undefined && isLess(record, before))) return [own];
    return [own, revocationChange(directory, markOf('client', OWN_ISSUER, record.id), true, undefined, clock.nowMs())];
  }

  const toState =
    (state: ClientRecord['state']) =>
    (record: ClientRecord): ClientRecord | Denial => {
      if (record.state === state) return record;
      if (record.state === 'revoked' && state !== 'deleted') {
        return deny('conflict', { message: 'This client was revoked, which cannot be undone: create a new one.' });
      }
      return { ...record, state, version: record.version + 1 };
    };

  return [
    operation({
      id: 'listOAuthClients',
      method: 'GET',
      path: '/oauth-clients',
      scope: 'admin:read',
      summary: 'List OAuth clients, oldest first; deleted ones are hidden.',
      status: 200,
      query: z.strictObject({ ...pageQuery, tenant: z.string().optional().describe('Only those of this tenant.') }),
      response: clientPage,
      example: { items: [exampleClient], next: null },
      handle({ query }) {
        const live = directory.clients
          .values()
          .filter(({ state, tenant }) => state !== 'deleted' && tenant === (query.tenant ?? tenant));
        const page = pageFrom(live, query, (id) => directory.clients.get(id));
        return isDenial(page) ? page : { value: { items: page.items.map(show), next: page.next } };
      },
    }),
    operation({
      id: 'createOAuthClient',
      method: 'POST',
      path: '/oauth-clients',
      scope: 'admin:write',
      summary: 'Create an OAuth client. Its secret is in this answer and nowhere else.',
      status: 201,
      isOnce: true,
      body: clientWish,
      response: clientWithSecret,
      example: { ...exampleClient, client_secret: exampleSecret },
      async handle({ body, actor }) {
        const wish = wishFrom(body);
        if (isDenial(wish)) return wish;
        const { record, secret } = issueClient(wish, issuer, clock.nowMs());
        const committed = await deps.commit([{ kind: 'client', record, expectedVersion: 0 }]);
        deps.logChange(actor, 'oauth-clients.create', record.id);
        return {
          value: { ...show(record), client_secret: secret ?? null },
          version: record.version,
          committed,
          location: `/oauth-clients/${record.id}`,
        };
      },
    }),
    operation({
      id: 'getOAuthClient',
      method: 'GET',
      path: '/oauth-clients/{id}',
      scope: 'admin:read',
      summary: 'Show an OAuth client, without its secret.',
      status: 200,
      response: clientShown,
      example: exampleClient,
      handle({ id }) {
        const record = find(id);
        return record === undefined ? deny('unknown_object') : { value: show(record), version: record.version };
      },
    }),
    operation({
      id: 'editOAuthClient',
      method: 'PATCH',
      path: '/oauth-clients/{id}',
      scope: 'admin:write',
      summary: 'Change fields of an OAuth client; those left out stay. Where it may do less, its tokens end.',
      status: 200,
      body: clientEdit,
      response: clientShown,
      example: exampleClient,
      handle: (asked) =>
        change(asked, 'edit', (record) => {
          const { body } = asked;
          if (Object.keys(body).length === 0) return record;
          const tenant = directory.tenants.get(record.tenant);
          const refused =
            (tenant === undefined ? undefined : foreignModel(tenant, body.models)) ??
            unknownBundle({ groups: body.groups }, directory);
          if (refused !== undefined) return refused;
          const fitting = misfit({
            ...record,
            name: body.name ?? record.name,
            grants: body.grants ?? record.grants,
            scopes: body.scopes ?? record.scopes,
            models: body.models ?? record.models,
            groups: body.groups ?? record.groups,
            redirectUris: body.redirectUris ?? record.redirectUris,
            jwks: (body.jwks as JsonObject | undefined) ?? record.jwks,
            limits: limitsFrom(body, record.limits),
            accessTokenTtlMs: body.accessTokenTtl ?? record.accessTokenTtlMs,
            isDpopRequired: body.dpopRequired ?? record.isDpopRequired,
            isParRequired: body.parRequired ?? record.isParRequired,
          });
          return isDenial(fitting) ? fitting : { ...record, ...fitting, version: record.version + 1 };
        }),
    }),
    operation({
      id: 'deleteOAuthClient',
      method: 'DELETE',
      path: '/oauth-clients/{id}',
      scope: 'admin:write',
      summary: 'Revoke an OAuth client with all its tokens, and hide it.',
      status: 204,
      async handle(asked) {
        const changed = await change(asked, 'delete', toState('deleted'));
        if (isDenial(changed)) return changed;
        return { value: undefined, ...(changed.committed === undefined ? {} : { committed: changed.committed }) };
      },
    }),
    ...(
      [
        ['revoke', 'revoked', 'Revoke an OAuth client for good, with all its tokens.'],
        ['disable', 'disabled', 'Disable an OAuth client for a while; its tokens end.'],
        ['enable', 'active', 'Enable an OAuth client that was disabled.'],
      ] as const
    ).map(([verb, state, summary]) =>
      operation({
        id: `${verb}OAuthClient`,
        method: 'POST',
        path: `/oauth-clients/{id}/${verb}`,
        scope: 'admin:write',
        summary,
        status: 200,
        response: clientShown,
        example: { ...exampleClient, state, version: 2 },
        handle: (asked) => change(asked, verb, toState(state)),
      }),
    ),
    operation({
      id: 'rotateOAuthClient',
      method: 'POST',
      path: '/oauth-clients/{id}/rotate',
      scope: 'admin:write',
      summary: 'Give an OAuth client a new secret, which is in this answer and nowhere else.',
      status: 200,
      isOnce: true,
      body: rotation,
      response: clientWithSecret,
      example: { ...exampleClient, version: 2, client_secret: exampleSecret },
      async handle(asked) {
        let secret = '';
        const changed = await change(asked, 'rotate', (record) => {
          if (record.state === 'revoked')
            return deny('conflict', { message: 'This client was revoked: create a new one.' });
          if (record.secretDigest === undefined) {
            return deny('conflict', { message: 'This client has no secret: it shows itself in another way.' });
          }
          const issued = rotateClientSecret(record, asked.body.overlap, issuer, clock.nowMs());
          secret = issued.secret ?? '';
          return issued.record;
        });
        return isDenial(changed) ? changed : { ...changed, value: { ...changed.value, client_secret: secret } };
      },
    }),
  ];
}

/** Whether something is gone that a client had: tokens say what it was, and must not outlive it. */
function isLess(now: ClientRecord, before: ClientRecord): boolean {
  const isGone = (had: readonly string[], has: readonly string[]): boolean => had.some((one) => !has.includes(one));
  return (
    isGone(before.scopes, now.scopes) ||
    isGone(before.groups, now.groups) ||
    (now.models?.includes('*') === false && isGone(before.models ?? ['*'], now.models)) ||
    (now.isDpopRequired && !before.isDpopRequired) ||
    JSON.stringify(now.limits) !== JSON.stringify(before.limits)
  );
}

/** Refuses what does not fit together: a client that could never get a token, or would get one too easily. */
function misfit<Wish extends ClientWish>(wish: Wish): Wish | Denial {
  const refuse = (param: string, message: string) => deny('invalid_field', { param, message });
  const { grants, authMethod, redirectUris, jwks, certificateName } = wish;
  if (grants.includes('authorization_code') && redirectUris.length === 0) {
    return refuse(
      'redirectUris',
      'The grant authorization_code needs an address for its answers: give --redirect-uri.',
    );
  }
  if (authMethod === 'none' && grants.includes('client_credentials')) {
    return refuse(
      'authMethod',
      'A client that shows nothing of itself cannot get tokens for itself (client_credentials).',
    );
  }
  if ((authMethod === 'private_key_jwt') !== (jwks !== undefined)) {
    return refuse('jwks', 'Public keys belong to private_key_jwt, and it needs them.');
  }
  if ((authMethod === 'tls_client_auth') !== (certificateName !== undefined)) {
    return refuse('certificateName', 'The name of a certificate belongs to tls_client_auth, and it needs one.');
  }
  return wish;
}
