import type { DirectoryState } from '../directory/state.ts';
import type { AuditRecord } from '../kernel/record.ts';
import type { OAuthLog } from '../oauth/log.ts';

type Facts = Parameters<OAuthLog['info']>[1];

/** What is known of an event of the authorization server besides what it says. */
export interface OAuthRecordDeps {
  readonly directory: Pick<DirectoryState, 'users' | 'clients'>;
  readonly nowMs: () => number;
  /** Address of who is being answered. */
  readonly address: () => string | undefined;
}

/**
 * What the audit log says of an event of the authorization server; undefined of those that are not about who somebody is or
 * what they were given. The address stands in the record of the request, under the same id.
 */
export function oauthRecord(
  event: string,
  facts: Facts,
  { directory, nowMs, address }: OAuthRecordDeps,
): AuditRecord | undefined {
  const text = (name: string): string | undefined => (facts[name] === undefined ? undefined : String(facts[name]));
  const [user, client, requestId] = [text('user'), text('client'), text('requestId')];
  const tenant =
    (user === undefined ? undefined : directory.users.get(user)?.tenant) ??
    (client === undefined ? undefined : directory.clients.get(client)?.tenant);
  const common = { timeMs: nowMs(), tenant, requestId, address: address() };
  const token = { ...common, clientId: client, subject: user, grantId: text('grantId'), scopes: [] };
  const changed = (resource: string, operation: string, id: string | undefined): AuditRecord => ({
    ...{ kind: 'change', timeMs: nowMs(), resource, operation, id: id ?? '', tenant, before: undefined },
    actor: { id: user === undefined ? `client:${client ?? ''}` : `user:${user}`, tenant, address: address() },
    after: facts['scope'] === undefined ? undefined : { scope: String(facts['scope']) },
  });
  switch (event) {
    case 'signed_in':
      return { kind: 'sign-in', isGood: true, method: text('acr') ?? 'password', user, ...common };
    case 'sign_in_failed':
      return { kind: 'sign-in', isGood: false, method: text('what') ?? 'password', user, ...common };
    case 'passkey_refused':
    case 'passkey_counter_backwards':
      return { kind: 'sign-in', isGood: false, method: 'passkey', user, ...common };
    case 'user_code_guessing':
      return { kind: 'sign-in', isGood: false, method: 'device', user, ...common };
    case 'form_from_elsewhere':
    case 'interaction_of_another_browser':
    case 'federation_state':
      return { kind: 'sign-in', isGood: false, method: 'form', user, ...common };
    case 'federation_refused':
    case 'federation_failed':
      return { kind: 'sign-in', isGood: false, method: 'provider', user, ...common };
    case 'token_issued': {
      const grantType = text('grant');
      const activity = grantType === 'refresh_token' ? 'refresh' : 'issue';
      return { kind: 'token', activity, grantType, ...token, scopes: text('scope')?.split(' ') ?? [] };
    }
    case 'refresh_token_reused':
      return { kind: 'token', activity: 'reuse', grantType: 'refresh_token', ...token };
    case 'oauth_refused':
      return { kind: 'token', activity: 'refuse', grantType: undefined, ...token };
    case 'token_revoked':
      return { kind: 'token', activity: 'revoke', grantType: undefined, ...token };
    case 'consent_given':
      return changed('consents', 'create', client);
    case 'consent_declined':
      return changed('consents', 'refuse', client);
    case 'grant_ended':
    case 'own_tokens_revoked':
      return changed('grants', 'revoke', user);
    case 'own_key_revoked':
      return changed('api-keys', 'revoke', text('key'));
    case 'signed_out':
      return changed('sessions', 'delete', user);
    case 'passkey_added':
    case 'passkey_removed':
    case 'second_factor_on':
    case 'password_changed':
    case 'invitation_taken':
      return changed('users', event, user);
    default:
      return undefined;
  }
}
