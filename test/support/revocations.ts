import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { tokenHashOf } from '../../src/directory/revocations.ts';
import { createBrowser, type Browser } from './browser.ts';
import { sallyport } from './command.ts';
import type { TestGateway } from './gateway.ts';
import { ask, CHAT } from './http.ts';
import { PUBLIC_URL } from './oauth.ts';
import { createStockClient, createUser, REDIRECT, tokensFor } from './people.ts';

/** A way to take something back, and what it was taken from. */
export interface Revocation {
  readonly what: 'token' | 'key' | 'client' | 'user' | 'grant' | 'session';
  readonly by: string;
  /** Makes a credential that hangs on it alone, and what ends that. */
  readonly make: (it: TestGateway) => Promise<Held>;
}

/** A credential that works, and how it ends. */
export interface Held {
  readonly credential: string;
  readonly end: () => Promise<unknown>;
}

/** Everything that can be taken back, by every way: a new page or command is one row more. */
export const REVOCATIONS: readonly Revocation[] = [
  { what: 'token', by: 'command', make: tokenBy((it, { hash }) => run(it, `tokens revoke --token ${hash}`)) },
  { what: 'token', by: 'API', make: tokenBy((it, { hash }) => api(it, 'POST', '/tokens/revoke', { token: hash })) },
  { what: 'token', by: 'its client', make: tokenBy((_, { config, token }) => oidc.tokenRevocation(config, token)) },
  { what: 'token', by: 'page', make: personBy((_, person) => revokeTokensOf(person)) },
  { what: 'key', by: 'command', make: keyBy((it, id) => run(it, `keys revoke ${id}`)) },
  { what: 'key', by: 'API', make: keyBy((it, id) => api(it, 'POST', `/api-keys/${id}/revoke`)) },
  { what: 'key', by: 'page', make: keyOfPerson },
  { what: 'client', by: 'command', make: tokenBy((it, { id }) => run(it, `clients revoke ${id}`)) },
  { what: 'client', by: 'API', make: tokenBy((it, { id }) => api(it, 'POST', `/oauth-clients/${id}/revoke`)) },
  { what: 'user', by: 'command', make: personBy((it, { user }) => run(it, `users disable ${user}`)) },
  { what: 'user', by: 'API', make: personBy((it, { user }) => api(it, 'POST', `/users/${user}/disable`)) },
  { what: 'user', by: 'deletion', make: personBy((it, { user }) => api(it, 'DELETE', `/users/${user}`)) },
  {
    what: 'grant',
    by: 'command',
    make: personBy(async (it, p) => run(it, `grants revoke ${await idOf(it, 'grants', p)}`)),
  },
  {
    what: 'grant',
    by: 'API',
    make: personBy(async (it, p) => api(it, 'POST', `/grants/${await idOf(it, 'grants', p)}/revoke`)),
  },
  { what: 'grant', by: 'page', make: personBy((_, { browser }) => press(browser, 'end-grant')) },
  {
    what: 'session',
    by: 'command',
    make: personBy(async (it, p) => run(it, `sessions revoke ${await idOf(it, 'sessions', p)}`)),
  },
  {
    what: 'session',
    by: 'API',
    make: personBy(async (it, p) => api(it, 'POST', `/sessions/${await idOf(it, 'sessions', p)}/revoke`)),
  },
  { what: 'session', by: 'page', make: personBy((_, { browser }) => press(browser, 'sign-out')) },
];

/**
 * Ends what a credential hangs on while streams of it run: on every worker the very next requests are refused, and the
 * streams end and say why.
 */
export async function assertEnds(it: TestGateway, { credential, end }: Held, streams: number): Promise<void> {
  assert.equal((await ask(it, { key: credential })).status, 200);
  const running = await openStreams(it, credential, streams);
  await end();
  const next = await Promise.all(Array.from({ length: NEXT_REQUESTS }, () => ask(it, { key: credential })));
  assert.deepEqual(new Set(next.map(({ code }) => code)), new Set(['revoked_credential']));
  for (const text of await Promise.all(running)) assert.match(text, /revoked_credential/);
}

/** On connections of their own, over four workers: that one of these sees none of them is one in 100,000 runs. */
const NEXT_REQUESTS = 40;

/** Opens streams that go on until somebody ends them; resolves once each has begun. */
export async function openStreams(it: TestGateway, key: string, count: number): Promise<Promise<string>[]> {
  const ends: Promise<string>[] = [];
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve, reject) => {
          const body = { ...CHAT, stream: true, max_tokens: 4_000 };
          const answer = ask(it, { key, body, onData: () => resolve() });
          ends.push(answer.then(({ text }) => text));
          answer.then(({ status, text }) => status !== 200 && reject(new Error(text)), reject);
        }),
    ),
  );
  return ends;
}

/** Runs a command that has to work. @returns its standard output */
export async function run(it: TestGateway, line: string): Promise<string> {
  const done = await sallyport(it.stateDir, line);
  assert.equal(done.exit, 0, done.err);
  return done.out;
}

async function api(it: TestGateway, method: string, path: string, body: object = {}): Promise<void> {
  const { key } = await it.issue({ scopes: ['admin:read', 'admin:write'] });
  const answer = await fetch(`${it.gateway.adminUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

function keyBy(end: (it: TestGateway, id: string) => Promise<unknown>): Revocation['make'] {
  return async (it) => {
    const { key, record } = await it.issue();
    return { credential: key, end: () => end(it, record.id) };
  };
}

interface ClientToken {
  readonly id: string;
  readonly config: oidc.Configuration;
  readonly token: string;
  /** By which the log shows it. */
  readonly hash: string;
}

/** Each with a client of its own: what is revoked of one touches no other. */
function tokenBy(end: (it: TestGateway, held: ClientToken) => Promise<unknown>): Revocation['make'] {
  return async (it) => {
    const { id, config } = await createStockClient(
      it,
      '--name one --grants client_credentials --scopes inference:chat --models tiny',
    );
    const { access_token: token } = await oidc.clientCredentialsGrant(config);
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
    const held = { id, config, token, hash: tokenHashOf(PUBLIC_URL, jti) };
    return { credential: token, end: () => end(it, held) };
  };
}

interface Person {
  readonly user: string;
  readonly browser: Browser;
  readonly client: string;
  /** An access token that a client has of them. */
  readonly token: string;
}

let people = 0;

/** What hangs on an account, a browser and a client that nobody else has. */
function personBy(end: (it: TestGateway, person: Person) => Promise<unknown>): Revocation['make'] {
  return async (it) => {
    const person = await newPerson(it);
    return { credential: person.token, end: () => end(it, person) };
  };
}

async function newPerson(it: TestGateway): Promise<Person> {
  const name = `person-${++people}`;
  const { id: user } = await createUser(it, `--name ${name} --scopes inference:chat --models tiny`);
  const { id: client, config } = await createStockClient(
    it,
    `--name app --grants authorization_code --scopes inference:chat --redirect-uri ${REDIRECT}`,
  );
  const browser = createBrowser(it);
  const { access_token: token } = await tokensFor(browser, config, name);
  return { user, browser, client, token };
}

async function idOf(it: TestGateway, what: 'grants' | 'sessions', { user }: Person): Promise<string> {
  const all = JSON.parse(await run(it, `${what} list --json`)) as { id: string; user: string }[];
  const own = all.filter((one) => one.user === user);
  assert.equal(own.length, 1);
  return own[0]?.id ?? '';
}

/** A key that belongs to somebody, who takes it back. */
async function keyOfPerson(it: TestGateway): Promise<Held> {
  const person = await newPerson(it);
  const made = await run(it, `keys create --name own --models tiny --owner ${person.user} --json`);
  const { key } = JSON.parse(made) as { key: string };
  return { credential: key, end: () => press(person.browser, 'revoke-key') };
}

/** Presses a button of the account page. */
async function press(browser: Browser, button: string): Promise<void> {
  const done = await browser.submit(await browser.open('/account'), {}, button);
  assert.equal(done.status, 200, done.text);
}

/** Sends what the button beside the tokens of a client sends; it is shown once their use is told, every five seconds. */
async function revokeTokensOf({ browser, client }: Person): Promise<void> {
  const csrf = /name="csrf" value="([^"]+)"/.exec((await browser.open('/account')).text)?.[1] ?? '';
  assert.equal((await browser.post('/account', { csrf, do: 'revoke-tokens', id: client })).status, 303);
}
