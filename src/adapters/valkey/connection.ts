import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createClient } from '@redis/client';

/** What the function answers: a word, then numbers as texts. */
export type Reply = readonly string[];

/** A connection that is ready for calls; they are answered in their order. */
export interface Connection {
  /** Calls the function once. Rejects with what the server says, or when the connection is lost: then it may have run. */
  call(keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /** Ends it at once. */
  close(): void;
}

/** Opens a connection. @param onLost called once if it breaks later @param signal gives up on it */
export type Connect = (onLost: (why: string) => void, signal: AbortSignal) => Promise<Connection>;

const SOURCE = readFileSync(new URL('./counters.lua', import.meta.url), 'utf8');
const CONNECT_MS = 1_000;

/** Says why in a word of the server's or the system's, for a message may name what is counted or how it is reached. */
export function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? error.constructor.name;
}

/**
 * Connections to a Valkey or Redis server. Each is made anew by the caller: what was sent on one that broke is never sent again.
 *
 * @param url redis:, rediss:, valkey: or valkeys:, with user, password and number of the database where there are any
 * @param source Lua that answers; only tests bring their own
 */
export function connectTo(url: string, source = SOURCE): Connect {
  const address = url.replace(/^valkey/, 'redis');
  return async (onLost, signal) => {
    const client = createClient({
      url: address,
      RESP: 2,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false, noDelay: true },
    });
    let isReady = false;
    let isClosed = false;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      client.destroy();
    };
    const lost = (why: string): void => {
      if (isClosed) return;
      close();
      if (isReady) onLost(why);
    };
    client.on('error', (error) => lost(whyOf(error)));
    client.on('end', () => lost('closed'));
    signal.addEventListener('abort', close, { once: true });
    await client.connect();
    const send = (words: readonly string[]): Promise<unknown> => client.sendCommand(words);
    const how = await install(send, source);
    signal.removeEventListener('abort', close);
    isReady = true;
    return {
      call: (keys, args) => send([...how, String(keys.length), ...keys, ...args]) as Promise<Reply>,
      close,
    };
  };
}

/**
 * Lays the function down on the server, and says how it is called. Its name has the hash of its source, so that two versions
 * of the gateway can share a server while one replaces the other.
 */
async function install(
  send: (words: readonly string[]) => Promise<unknown>,
  source: string,
): Promise<readonly string[]> {
  const name = `sallyport_${hash('sha256', source).slice(0, 16)}`;
  const register = `\nredis.register_function('${name}', run)\n`;
  try {
    await send(['FUNCTION', 'LOAD', `#!lua name=${name}\n${source}${register}`]);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (!message.includes('already exists')) {
      // A server without functions (Redis before 7), or a user who may not add any.
      if (!/unknown command|NOPERM/i.test(message)) throw error;
      const sha = String(await send(['SCRIPT', 'LOAD', `${source}\nreturn run(KEYS, ARGV)\n`]));
      return ['EVALSHA', sha];
    }
  }
  return ['FCALL', name];
}
