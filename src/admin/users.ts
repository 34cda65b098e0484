import * as z from 'zod';
import { isSameDigest } from '../directory/api-key.ts';
import { DEFAULT_SCOPES } from '../directory/issue.ts';
import { HashingBusy } from '../directory/password.ts';
import type { UserRecord } from '../directory/records.ts';
import {
  findUser,
  invitationPath,
  nameDigestOf,
  newInvitation,
  newUserId,
  NOBODY,
  openUser,
  sealUser,
  userChanges,
  type UserSecrets,
} from '../directory/users.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { disabledTenant, foreignModel, unknownTenant } from './api-key-rules.ts';
import { operation, type Answer, type Asked, type Operation, type Resource } from './operation.ts';
import { pageFrom, pageQuery } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { changeRecord, isDenial } from './precondition.ts';
import {
  exampleUser,
  invitationWish,
  showUser,
  userPage,
  userShown,
  userWish,
  userWithInvitation,
  type UserShown,
} from './user-schema.ts';

/** People who sign in. */
export const users: Resource = {
  name: 'users',
  schemas: {
    User: userShown,
    UserWithInvitation: userWithInvitation,
    UserPage: userPage,
    UserWish: userWish,
    InvitationWish: invitationWish,
  },
  operations: userOperations,
};

const exampleInvitation =
  'https://llm.example.org/account/invitation?user=u_Ab12cd34Ef56gh78&invitation=0000000000000000000000000000000000000000000';

function userOperations(deps: AdminDeps): readonly Operation[] {
  const { directory, clock, people, hmacKey } = deps;
  /** Names that are being given: two requests at once must not both get one. */
  const taking: Uint8Array[] = [];

  const show = async (record: UserRecord): Promise<UserShown> =>
    showUser(record, await openUser(record, await people.sealer()));
  const find = (id: string): UserRecord | undefined => {
    const record = directory.users.get(id);
    return record?.state === 'deleted' ? undefined : record;
  };

  type Wish = z.output<typeof invitationWish>;

  /** A new person, sealed and committed. */
  async function create(
    wish: Wish,
    state: UserRecord['state'],
    secretsOf: () => Promise<Pick<UserSecrets, 'passwordHash' | 'invitation'>>,
  ) {
    const tenant = directory.tenants.get(wish.tenant ?? 'default');
    if (tenant === undefined) return unknownTenant(wish.tenant ?? 'default', [...directory.tenants.keys()]);
    const refused = disabledTenant(tenant) ?? foreignModel(tenant, wish.models);
    if (refused !== undefined) return refused;
    const nameDigest = nameDigestOf(wish.name, hmacKey);
    const isTaken = findUser(directory, wish.name, hmacKey) ?? taking.find((one) => isSameDigest(one, nameDigest));
    if (isTaken !== undefined) {
      return deny('conflict', { param: 'name', message: 'Somebody has this name already: give another one.' });
    }
    taking.push(nameDigest);
    try {
      const id = newUserId(deps.randomBytes);
      const secrets: UserSecrets = { ...NOBODY, name: wish.name, ...(await secretsOf()) };
      const record: UserRecord = {
        id,
        nameDigest,
        tenant: tenant.id,
        scopes: wish.scopes ?? DEFAULT_SCOPES,
        models: wish.models,
        groups: wish.groups ?? [],
        sealed: await sealUser({ id, tenant: tenant.id }, secrets, await people.sealer()),
        createdAtMs: clock.nowMs(),
        lastSignInAtMs: undefined,
        state,
        version: 1,
      };
      const committed = await deps.commit([{ kind: 'user', record, expectedVersion: 0 }]);
      return { record, committed };
    } catch (error) {
      if (error instanceof HashingBusy) return deny('overloaded');
      throw error;
    } finally {
      taking.splice(taking.indexOf(nameDigest), 1);
    }
  }

  async function change(
    { id, ifMatch, actor }: Asked<unknown, unknown>,
    action: string,
    edit: (record: UserRecord) => UserRecord | Denial,
    endsTokens?: boolean,
  ): Promise<Answer<UserShown> | Denial> {
    const changed = await changeRecord(deps, {
      read: () => find(id),
      ifMatch,
      edit,
      changeOf: (record, expectedVersion) => userChanges(directory, record, expectedVersion, clock.nowMs(), endsTokens),
    });
    if (isDenial(changed)) return changed;
    const { record, committed } = changed;
    if (committed === undefined) return { value: await show(record), version: record.version };
    // Their tokens end with the commit; what new ones could come from ends here.
    if (endsTokens ?? record.state !== 'active') await people.endAccess(record.id);
    deps.logChange(actor, `users.${action}`, id);
    return { value: await show(record), version: record.version, committed };
  }

  /** Changes what is sealed; a change of the record in between is told as one. */
  async function changeSecrets(
    asked: Asked<unknown, unknown>,
    action: string,
    edit: (secrets: UserSecrets, record: UserRecord) => UserSecrets,
    endsTokens: boolean,
  ): Promise<Answer<UserShown> | Denial> {
    const before = find(asked.id);
    if (before === undefined) return deny('unknown_object');
    const sealer = await people.sealer();
    const sealed = await sealUser(before, edit(await openUser(before, sealer), before), sealer);
    return change(
      asked,
      action,
      (record) =>
        record.version === before.version
          ? { ...record, sealed, version: record.version + 1 }
          : deny('precondition_failed'),
      endsTokens,
    );
  }

  const toState =
    (state: UserRecord['state']) =>
    (record: UserRecord): UserRecord | Denial => {
      if (record.state === state) return record;
      if (record.state === 'invited' && state === 'active') {
        return deny('conflict', { message: 'This person was invited and cannot sign in yet: invite them again.' });
      }
      return { ...record, state, version: record.version + 1 };
    };

  return [
    operation({
      id: 'listUsers',
      method: 'GET',
      path: '/users',
      scope: 'admin:read',
      summary: 'List people who sign in, oldest first; deleted ones are hidden.',
      status: 200,
      query: z.strictObject({ ...pageQuery, tenant: z.string().optional().describe('Only those of this tenant.') }),
      response: userPage,
      example: { items: [exampleUser], next: null },
      async handle({ query }) {
        const live = directory.users
          .values()
          .filter(({ state, tenant }) => state !== 'deleted' && tenant === (query.tenant ?? tenant));
        const page = pageFrom(live, query, (id) => directory.users.get(id));
        if (isDenial(page)) return page;
        return { value: { items: await Promise.all(page.items.map(show)), next: page.next } };
      },
    }),
    operation({
      id: 'createUser',
      method: 'POST',
      path: '/users',
      scope: 'admin:write',
      summary: 'Create a person with a password.',
      status: 201,
      body: userWish,
      response: userShown,
      example: exampleUser,
      async handle({ body: { password, ...wish }, actor }) {
        const made = await create(wish, 'active', async () => ({
          passwordHash: await people.hasher.hash(password),
          invitation: undefined,
        }));
        if (isDenial(made)) return made;
        const { record, committed } = made;
        deps.logChange(actor, 'users.create', record.id);
        return { value: await show(record), version: 1, committed, location: `/users/${record.id}` };
      },
    }),
    operation({
      id: 'inviteUser',
      method: 'POST',
      path: '/users/invite',
      scope: 'admin:write',
      summary: 'Invite a person, who chooses a password by a link. The link is in this answer and nowhere else.',
      status: 201,
      isOnce: true,
      body: invitationWish,
      response: userWithInvitation,
      example: { ...exampleUser, state: 'invited', invitation: exampleInvitation },
      async handle({ body, actor }) {
        const { text, kept } = newInvitation(deps.randomBytes, hmacKey, clock.nowMs());
        const made = await create(body, 'invited', () =>
          Promise.resolve({ passwordHash: undefined, invitation: kept }),
        );
        if (isDenial(made)) return made;
        const { record, committed } = made;
        deps.logChange(actor, 'users.invite', record.id);
        const invitation = `${people.publicUrl ?? ''}${invitationPath(record.id, text)}`;
        return {
          value: { ...(await show(record)), invitation },
          version: 1,
          committed,
          location: `/users/${record.id}`,
        };
      },
    }),
    operation({
      id: 'getUser',
      method: 'GET',
      path: '/users/{id}',
      scope: 'admin:read',
      summary: 'Show a person.',
      status: 200,
      response: userShown,
      example: exampleUser,
      async handle({ id }) {
        const record = find(id);
        return record === undefined ? deny('unknown_object') : { value: await show(record), version: record.version };
      },
    }),
    operation({
      id: 'deleteUser',
      method: 'DELETE',
      path: '/users/{id}',
      scope: 'admin:write',
      summary: 'Delete a person: their tokens, sessions and grants end.',
      status: 204,
      async handle(asked) {
        const before = find(asked.id);
        if (before === undefined) return deny('unknown_object');
        const sealer = await people.sealer();
        const { federated } = await openUser(before, sealer);
        const sealed = await sealUser(before, NOBODY, sealer);
        // Nothing of the person stays: not the name, so that it is free again, and not what was sealed. By the digest of
        // somebody of an identity provider their next sign-in is known, and refused: else it would make them anew.
        const nameDigest = federated === undefined ? deps.randomBytes(32) : before.nameDigest;
        const changed = await change(asked, 'delete', (record) => ({
          ...record,
          nameDigest,
          sealed,
          state: 'deleted',
          version: record.version + 1,
        }));
        if (isDenial(changed)) return changed;
        return { value: undefined, ...(changed.committed === undefined ? {} : { committed: changed.committed }) };
      },
    }),
    ...(
      [
        ['disable', 'disabled', 'Disable a person for a while: their tokens, sessions and grants end.'],
        ['enable', 'active', 'Enable a person who was disabled.'],
      ] as const
    ).map(([verb, state, summary]) =>
      operation({
        id: `${verb}User`,
        method: 'POST',
        path: `/users/{id}/${verb}`,
        scope: 'admin:write',
        summary,
        status: 200,
        response: userShown,
        example: { ...exampleUser, state, version: 2 },
        handle: (asked) => change(asked, verb, toState(state)),
      }),
    ),
    operation({
      id: 'reinviteUser',
      method: 'POST',
      path: '/users/{id}/invite',
      scope: 'admin:write',
      summary: 'Let a person choose a new password by a link. What they are signed in with ends.',
      status: 200,
      isOnce: true,
      response: userWithInvitation,
      example: { ...exampleUser, version: 2, invitation: exampleInvitation },
      async handle(asked) {
        const before = find(asked.id);
        if (before !== undefined && (await openUser(before, await people.sealer())).federated !== undefined) {
          // A way in of their own would stay open when the provider closes its.
          return deny('conflict', { message: 'This person signs in at their identity provider, which invites them.' });
        }
        const { text, kept } = newInvitation(deps.randomBytes, hmacKey, clock.nowMs());
        const changed = await changeSecrets(asked, 'invite', (secrets) => ({ ...secrets, invitation: kept }), true);
        if (isDenial(changed)) return changed;
        const invitation = `${people.publicUrl ?? ''}${invitationPath(asked.id, text)}`;
        return { ...changed, value: { ...changed.value, invitation } };
      },
    }),
    operation({
      id: 'resetSecondFactorOfUser',
      method: 'POST',
      path: '/users/{id}/reset-second-factor',
      scope: 'admin:write',
      summary:
        'Remove the second factor and the passkeys of a person who has lost them. What they are signed in with ends.',
      status: 200,
      response: userShown,
      example: { ...exampleUser, version: 2 },
      handle: (asked) =>
        // What was granted with the second factor must not outlive it.
        changeSecrets(
          asked,
          'reset-second-factor',
          (secrets) => ({ ...secrets, totp: undefined, passkeys: [], recoveryCodes: [] }),
          true,
        ),
    }),
  ];
}
