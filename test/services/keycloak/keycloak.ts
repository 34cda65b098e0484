import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';

/** A real Keycloak that is running, with nothing kept on disk. */
export interface Keycloak extends AsyncDisposable {
  readonly url: string;
  /** Asks its admin API. @throws Error where it refuses */
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

const PASSWORD = 'admin';
const START_MS = 300_000;

/** Starts Keycloak (`KEYCLOAK_HOME` is its folder) on a free port of loopback. */
export async function startKeycloak(): Promise<Keycloak> {
  const home = process.env['KEYCLOAK_HOME'] ?? '';
  const url = `http://127.0.0.1:${await freePort()}`;
  const words = ['start-dev', '--db=dev-mem', '--cache=local', '--http-host=127.0.0.1'];
  // A group of its own: the script starts Java as its child, and both must end.
  const child = spawn(join(home, 'bin/kc.sh'), [...words, `--http-port=${new URL(url).port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, KC_BOOTSTRAP_ADMIN_USERNAME: 'admin', KC_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const ended = once(child, 'exit');
  let isOver = false;
  void ended.then(() => (isOver = true));

  async function kill(): Promise<void> {
    if (!isOver && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  const until = Date.now() + START_MS;
  for (;;) {
    if (isOver) throw new Error(`Keycloak ended: ${output.slice(-2_000)}`);
    const answer = await fetch(`${url}/realms/master`).catch(() => undefined);
    if (answer?.ok === true) break;
    if (Date.now() > until) {
      await kill();
      throw new Error(`Keycloak does not start: ${output.slice(-2_000)}`);
    }
    await sleep(500);
  }

  async function token(): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: 'admin-cli',
      username: 'admin',
      password: PASSWORD,
    });
    const answer = await fetch(`${url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body });
    return ((await answer.json()) as { access_token: string }).access_token;
  }

  return {
    url,
    async admin(method, path, body) {
      const answer = await fetch(`${url}/admin/realms${path}`, {
        method,
        headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
