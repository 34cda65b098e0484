import type { Interaction, Provider } from 'oidc-provider';
import type { ClientRecord, UserRecord } from '../../directory/records.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Digest } from '../digest.ts';
import type { OAuthLog } from '../log.ts';
import type { Entitlements } from '../entitlements.ts';
import { ACR, needsSecondFactor, type RequireSecondFactor } from '../strength.ts';
import { browserOf, browserTag } from './browser-cookie.ts';
import { isFromOwnPage, isSameText, type PageExchange } from './exchange.ts';
import { html } from './html.ts';
import { scopeText } from './scope-text.ts';
import type { SignIn, SignInPlace } from './sign-in.ts';

/** What sign-in and consent for a client work with. */
export interface InteractionDeps {
  readonly publicUrl: string;
  readonly digest: Digest;
  readonly client: (id: string) => ClientRecord | undefined;
  readonly user: (id: string) => UserRecord | undefined;
  /** What client and user both have. */
  readonly entitlements: Entitlements;
  readonly signIn: SignIn;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly requireSecondFactor: () => RequireSecondFactor;
  readonly clock: Clock;
  readonly grantDays: number;
  readonly log: OAuthLog;
}

/** Answers the pages between an authorization request and its answer: sign-in and consent. */
export type InteractionPages = (x: PageExchange, provider: Provider, uid: string, tag: string) => Promise<void>;

const EXPIRED = 'This page has expired, or it was opened in another browser than the one that it was made for.';

/** Which page comes is said by what is stored of the request alone; a form cannot skip one. */
export function createInteractionPages(deps: InteractionDeps): InteractionPages {
  const { publicUrl, digest, signIn, log } = deps;

  return async (x, provider, uid, tag) => {
    const details = await interactionOf(x, provider);
    if (details === undefined || details.uid !== uid) return x.fail(400, EXPIRED);
    const browser = browserOf(provider.createContext(x.request, x.response) as never, deps.randomBytes);
    if (!isSameText(tag, browserTag(digest, uid, browser))) {
      // Its cookie is here, but it began elsewhere: somebody may have planted it, to go on as whoever signs in.
      log.security('interaction_of_another_browser', { requestId: x.requestId });
      return x.fail(400, EXPIRED);
    }
    // Bound to the signed cookie of this interaction: nobody else's page knows it (CSRF).
    const csrf = digest('Form', `interaction ${uid}`);
    const form = x.method === 'POST' ? await x.form() : undefined;
    if (form !== undefined && !(isFromOwnPage(x.request, publicUrl) && isSameText(form.get('csrf'), csrf))) {
      log.security('form_from_elsewhere', { path: 'interaction', requestId: x.requestId });
      return x.fail(403, 'This form was not sent by a page of this gateway.');
    }
    switch (details.prompt.name) {
      case 'login':
        return login(x, provider, { details, browser, csrf, form });
      case 'consent':
        return consent(x, provider, details, csrf, form);
      default:
        return x.fail(400, 'The application asks for something that is not supported.');
    }
  };

  async function login(
    x: PageExchange,
    provider: Provider,
    at: {
      readonly details: Interaction;
      readonly browser: string;
      readonly csrf: string;
      readonly form: URLSearchParams | undefined;
    },
  ): Promise<void> {
    const { details, browser, csrf, form } = at;
    const place: SignInPlace = {
      key: `interaction ${details.uid}`,
      action: x.path,
      csrf,
      browser,
      isFresh: details.prompt.reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age'),
      redirectUri: redirectUriOf(details),
    };
    const done = await (form === undefined ? signIn.open(x, place) : signIn.take(x, place, form));
    if (done === undefined) return;
    const { userId, strength, authenticatedAtS } = done;
    // Now, not when the page was made: somebody may have signed in beside it, and the library knows no way on from there.
    const before = (await provider.Session.get(provider.createContext(x.request, x.response))).accountId;
    if (before !== undefined && before !== userId) {
      return x.fail(409, 'Somebody else is signed in in this browser. Sign out at /account first.');
    }
    if (strength.acr !== ACR.mfa && wantsMfa(details)) {
      // RFC 9470 §5: it cannot be met, and asking again would not change that.
      const error = 'unmet_authentication_requirements';
      return finish(x, provider, { error, error_description: 'this person has no second factor' }, false);
    }
    await finish(
      x,
      provider,
      {
        login: {
          accountId: userId,
          acr: strength.acr,
          amr: [...strength.amr],
          remember: false,
          ts: authenticatedAtS ?? Math.floor(deps.clock.nowMs() / 1000),
        },
      },
      false,
    );
  }

  async function consent(
    x: PageExchange,
    provider: Provider,
    details: Interaction,
    csrf: string,
    form: URLSearchParams | undefined,
  ): Promise<void> {
    const { client_id: clientId, scope } = details.params;
    const client = deps.client(String(clientId));
    const user = deps.user(details.session?.accountId ?? '');
    if (client === undefined || user?.state !== 'active') return x.fail(400, EXPIRED);
    const asked = typeof scope === 'string' ? scope.split(' ') : [];
    const shared = deps.entitlements.scopes(client, user).filter((one) => asked.includes(one));
    const isStrong = details.session?.acr === ACR.mfa;
    const open = shared.filter((one) => isStrong || !needsSecondFactor(one, deps.requireSecondFactor()));
    const held = shared.filter((one) => !open.includes(one));
    if (form === undefined) return showConsent(x, { details, csrf, client, user, open, held });
    // Only this word is a yes: a form that says anything else declines.
    if (form.get('decision') !== 'accept' || open.length === 0) {
      log.info('consent_declined', { client: client.id, user: user.id, requestId: x.requestId });
      return finish(x, provider, { error: 'access_denied', error_description: 'the person declined' }, false);
    }
    const existing = details.grantId === undefined ? undefined : await provider.Grant.find(details.grantId);
    const grant = existing ?? new provider.Grant({ accountId: user.id, clientId: client.id });
    if (asked.includes('openid')) grant.addOIDCScope('openid');
    for (const resource of [details.params['resource'] ?? publicUrl].flat() as string[]) {
      grant.addResourceScope(resource, open.join(' '));
      if (held.length > 0) grant.rejectResourceScope(resource, held.join(' '));
    }
    const grantId = await grant.save();
    log.info('consent_given', { client: client.id, user: user.id, scope: open.join(' '), requestId: x.requestId });
    await finish(x, provider, { consent: { grantId } }, true);
  }

  function showConsent(
    x: PageExchange,
    {
      details,
      csrf,
      client,
      user,
      open,
      held,
    }: {
      readonly details: Interaction;
      readonly csrf: string;
      readonly client: ClientRecord;
      readonly user: UserRecord;
      readonly open: readonly Scope[];
      readonly held: readonly Scope[];
    },
  ): void {
    const redirectUri = redirectUriOf(details);
    const models = deps.entitlements.models(client, user);
    const body = html`<p>
        The application <strong>${client.name}</strong> asks to act for you. Its name was given by whoever registered it
        and is not verified. Accept only if you have just started this yourself.
      </p>
      <dl>
        <dt>${redirectUri === undefined ? 'Where it runs' : 'The answer goes to'}</dt>
        <dd>${redirectUri === undefined ? 'on the device whose code you have entered' : placeText(redirectUri)}</dd>
        <dt>It may use these models</dt>
        <dd>${models.includes('*') ? 'all that you may use' : models.length === 0 ? 'none' : models.join(', ')}</dd>
        <dt>At</dt>
        <dd>${publicUrl}</dd>
        <dt>It may</dt>
        <dd>
          <ul>
            ${open.map((scope) => html`<li>${scopeText(scope)} (<code>${scope}</code>)</li>`)}
          </ul>
          ${open.length === 0 ? 'nothing' : undefined}
        </dd>
        <dt>For how long</dt>
        <dd>
          ${
            client.grants.some((grant) => grant !== 'client_credentials')
              ? `up to ${deps.grantDays} days, or until you end it at ${publicUrl}/account`
              : 'some minutes'
          }
        </dd>
      </dl>
      ${
        held.length === 0
          ? undefined
          : html`<p class="error">
              It also asks to ${held.map(scopeText).join('; ')}. That needs a second factor: set one up at
              <a href="/account">your account</a>, sign in again and start anew.
            </p>`
      }
      <form method="post" action="${x.path}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <p class="choice">
          ${open.length === 0 ? undefined : html`<button name="decision" value="accept">Accept</button>`}
          <button name="decision" value="decline">Decline</button>
        </p>
      </form>`;
    x.show({ title: `Let ${client.name} act for you?`, body }, { redirectUri });
  }
}

async function interactionOf({ request, response }: PageExchange, provider: Provider) {
  try {
    return await provider.interactionDetails(request, response);
  } catch (error) {
    // No cookie, one that was not signed by us, or a request that is over.
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined;
    throw error;
  }
}

async function finish(
  x: PageExchange,
  provider: Provider,
  result: Parameters<Provider['interactionResult']>[2],
  mergeWithLastSubmission: boolean,
): Promise<void> {
  x.goTo(await provider.interactionResult(x.request, x.response, result, { mergeWithLastSubmission }));
}

function redirectUriOf({ params }: Interaction): string | undefined {
  const { redirect_uri: uri } = params;
  return typeof uri === 'string' ? uri : undefined;
}

function wantsMfa({ params }: Interaction): boolean {
  const { acr_values: wanted } = params;
  return typeof wanted === 'string' && wanted.split(' ').every((value) => value === ACR.mfa);
}

/** Where an answer goes, as people can read it. */
function placeText(uri: string): string {
  const { protocol, host } = new URL(uri);
  if (protocol === 'https:') return host;
  return protocol === 'http:' ? `this device (${host})` : `an app on this device (${protocol})`;
}
