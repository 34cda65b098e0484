import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { CommandError } from './command.ts';

/** An answer of the admin API, unread. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** `x-sallyport-workers` where a change was made. */
  readonly workers: string | undefined;
}

/** What is asked of the admin API. */
export interface AdminQuestion {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path below `/api/v1`, with its query. */
  readonly path: string;
  readonly body?: unknown;
}

/** unix(7): `sun_path` has 108 bytes, its end included. */
const LONGEST_PATH = 107;
const ANSWER_WITHIN_MS = 30_000;

/** Whether a gateway answers on the socket. */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(path);
    const tell = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}

/** Asks the admin API through the Unix socket of a running gateway. @throws CommandError where it does not answer */
export function askSocket(path: string, { method, path: target, body }: AdminQuestion): Promise<RawAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new CommandError(`The gateway did not answer (${why}). Try again.`));
    const request = httpRequest(
      {
        method,
        path: `/api/v1${target}`,
        createConnection: () => dial(path),
        headers: {
          host: 'localhost',
          connection: 'close',
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
        timeout: ANSWER_WITHIN_MS,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          const workers = response.headers['x-sallyport-workers'];
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(parts).toString('utf8'),
            workers: typeof workers === 'string' ? workers : undefined,
          });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => fail(error.message));
    request.end(text);
  });
}

/** Connects; by a name relative to the socket's folder where the whole path would be too long. */
function dial(path: string): Socket {
  if (Buffer.byteLength(path) <= LONGEST_PATH) return connect(path);
  const before = process.cwd();
  process.chdir(dirname(path));
  try {
    return connect(basename(path)); // the name is resolved before this returns
  } finally {
    process.chdir(before);
  }
}
