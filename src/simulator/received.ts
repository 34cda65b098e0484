import { createHash } from 'node:crypto';
import { readSimulatedForm } from './form.ts';
import { isLaxObject, parseLaxJson } from './lax-json.ts';

/** What the simulator tells of one request that reached it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Request target as it was on the wire. */
  readonly path: string;
  /** Pairs of name and value, in order and as spelt; credentials as the hex SHA-256 of their whole value. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes that were no HTTP request: `method` and `path` are empty. */
  readonly malformed: boolean;
  /** Hex SHA-256 of the body; of the empty one while it has not arrived whole. */
  readonly bodySha256: string;
  readonly bodyBytes: number;
  /** Whether the body arrived whole. */
  readonly complete: boolean;
  /** Top-level keys of a JSON object in the body, or names of the parts of a form, else empty. */
  readonly keys: readonly string[];
  /** The body as text; only where bodies are kept. */
  readonly body?: string;
  /** Text frames of a WebSocket, in order; only where bodies are kept. */
  readonly frames?: readonly string[];
  /** The answer's status; undefined while there is none. */
  readonly status: number | undefined;
  /** No end of the answer yet. */
  readonly running: boolean;
  /** The client went away before the end of the answer. */
  readonly aborted: boolean;
  /** Events of a stream that were generated. */
  readonly events: number;
}

/** Remembers the latest requests. */
export interface ReceivedLog {
  /** Notes a head; the entry's other facts follow through `change`. */
  head(method: string, path: string, rawHeaders: readonly string[]): Entry;
  /** Notes bytes that were no request. */
  malformed(): void;
  /** All that are remembered, oldest first. */
  list(): readonly ReceivedRequest[];
  clear(): void;
  running(): number;
}

/** One request's place in the log. */
export interface Entry {
  body(bytes: Buffer): void;
  /** A text frame of a WebSocket. */
  frame(text: string): void;
  status(status: number): void;
  event(): void;
  /** Calling it again changes nothing. */
  end(aborted: boolean): void;
}

/** @param limit most requests that are remembered; the oldest go first */
export function createReceivedLog(keepBodies: boolean, limit = 10_000): ReceivedLog {
  let requests: Mutable<ReceivedRequest>[] = [];
  let running = 0;

  function add(request: Mutable<ReceivedRequest>): void {
    if (requests.length >= limit) requests = requests.slice(limit >> 1);
    requests.push(request);
  }

  return {
    head(method, path, rawHeaders) {
      const frames: string[] = [];
      const request: Mutable<ReceivedRequest> = {
        ...nothing,
        method,
        path,
        headers: pairsOf(rawHeaders),
        running: true,
      };
      if (keepBodies) request.frames = frames;
      add(request);
      running++;
      return {
        body(bytes) {
          request.bodySha256 = sha256(bytes);
          request.bodyBytes = bytes.length;
          request.complete = true;
          request.keys = keysOf(request.headers, bytes);
          if (keepBodies) request.body = bytes.toString('utf8');
        },
        frame(text) {
          request.bodyBytes += Buffer.byteLength(text);
          if (keepBodies) frames.push(text);
        },
        status: (status) => void (request.status = status),
        event: () => void request.events++,
        end(aborted) {
          if (!request.running) return;
          request.running = false;
          request.aborted = aborted;
          running--;
        },
      };
    },
    malformed: () => add({ ...nothing, malformed: true }),
    list: () => requests.map((request) => ({ ...request })),
    clear: () => void (requests = []),
    running: () => running,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const nothing: ReceivedRequest = {
  method: '',
  path: '',
  headers: [],
  malformed: false,
  bodySha256: sha256(''),
  bodyBytes: 0,
  complete: false,
  keys: [],
  status: undefined,
  running: false,
  aborted: false,
  events: 0,
};

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    pairs.push([name, CREDENTIALS.has(name.toLowerCase()) ? sha256(value) : value]);
  }
  return pairs;
}

function keysOf(headers: ReceivedRequest['headers'], bytes: Buffer): readonly string[] {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const parts = readSimulatedForm(type, bytes);
  if (parts !== undefined) return parts.map(({ name }) => name);
  const parsed = parseLaxJson(bytes);
  return parsed.kind === 'value' && isLaxObject(parsed.value) ? Object.keys(parsed.value) : [];
}

/** Named, never shown: the list is readable by anyone who reaches the simulator. */
const CREDENTIALS = new Set(['authorization', 'x-api-key', 'cookie', 'proxy-authorization']);
