import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { parseRelease } from '../vllm/release.ts';
import { choice, count, countOrNone, duration, flag, group, list, text } from '../kernel/option.ts';

/** The key that an upstream is asked with when none is configured; read like any other text of the configuration. */
export const DEFAULT_API_KEY = '${env:VLLM_API_KEY:-}';

const URL_HINT =
  'Give the root of vLLM, such as https://gpu-1:8000, unix:/run/vllm.sock or http://127.0.0.1:8000, without /v1 and without user or password.';

const file = (what: string) => text(`Give the path of ${what}.`).optional().describe(`PEM file with ${what}.`);

/** Time limits of a call. Comes out in milliseconds: `connectMs`, `firstByteMs`, `betweenChunksMs`, `totalMs`. */
const timeouts = group({
  connect: duration('10ms', '5m').prefault('5s').describe('Until the connection stands.'),
  firstByte: duration('10ms', '1d').prefault('5m').describe('Until the head of the answer.'),
  betweenChunks: duration('10ms', '1d').prefault('5m').describe('Between two pieces of the answer.'),
  total: duration('10ms', '7d').prefault('30m').describe('For the whole call.'),
})
  .prefault({})
  .transform(({ connect, firstByte, betweenChunks, total }) => ({
    connectMs: connect,
    firstByteMs: firstByte,
    betweenChunksMs: betweenChunks,
    totalMs: total,
  }));

/** Where requests wait for a place. Comes out with `deadlineMs`. */
const queue = group({
  size: count(0, 100_000).prefault(1024).describe('Most requests that wait; 0 refuses at once what finds no place.'),
  // Below the time of the first keep-alive, so that a stream that got no place is still refused with a status.
  deadline: duration('10ms', '1h').prefault('10s').describe('How long one may wait before it is refused.'),
  adaptive: flag()
    .prefault(true)
    .describe('Holds requests back here while the server queues them itself, as its metrics tell.'),
  reserve: count(0, 50)
    .prefault(50)
    .describe(
      'Percent of the places that may be kept for tenants that ask little, as many as they have needed lately.',
    ),
})
  .prefault({})
  .transform(({ deadline, ...rest }) => ({ ...rest, deadlineMs: deadline }));

/** One vLLM server. */
const upstream = group({
  name: text('Give a short name of letters, digits, dots, hyphens or underscores.', (value) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value),
  )
    .prefault('main')
    .describe('Its name in logs, metrics and commands.'),
  url: z
    .string({ error: URL_HINT })
    .transform((value, context) => {
      const url = upstreamUrl(value);
      if (url === undefined) context.issues.push({ code: 'custom', message: URL_HINT, input: value });
      return url ?? z.NEVER;
    })
    .prefault('http://127.0.0.1:8000')
    .describe('Root of the server: https:, unix:/path, or http: on loopback.'),
  // A header value: anything else would be refused, or split the head, only when it is sent.
  apiKey: z
    .string({ error: 'Give the key as a text, best as ${env:NAME} or ${file:PATH}.' })
    .refine((value) => /^[\x21-\x7e]{0,4096}$/.test(value), { error: 'Give a key of visible ASCII characters.' })
    .transform((value) => (value === '' ? undefined : value))
    .prefault('')
    .describe('Key that vLLM wants (its --api-key); unset, ${env:VLLM_API_KEY:-}.'),
  models: list(text('Give a model name, or * for all.'))
    .min(1, { error: 'Give at least one model name, or * for all.' })
    .prefault(['*'])
    .describe('Models that it serves; * for all.'),
  vllmVersion: text(
    'Give auto, or a release of vLLM such as 0.33.0.',
    (value) => value === 'auto' || parseRelease(value) !== undefined,
  )
    .prefault('auto')
    .describe('Release that it runs; auto asks it.'),
  features: list(text('Give the name of a feature.', (value) => /^[a-z0-9-]{1,64}$/.test(value)))
    .prefault([])
    .describe('What the server has that some patches need to know of: sallyport advisories names them.'),
  balance: choice('least', 'affinity')
    .prefault('least')
    .describe('affinity keeps a conversation to one server, where all that serve the model say so.'),
  concurrency: countOrNone(1, 100_000)
    .prefault('none')
    .describe('Most requests of this gateway that it gets at once; those above wait in its queue.'),
  queue,
  tls: group({
    caFile: file('the certificates to trust'),
    serverName: text('Give the name in the certificate.').optional().describe('Name to expect in its certificate.'),
    certFile: file('the client certificate'),
    keyFile: file('the private key of the client certificate'),
  }).prefault({}),
  plaintext: choice('refused', 'accepted')
    .prefault('refused')
    .describe('accepted allows http: to another machine: keys, prompts and answers are then readable on the way.'),
  timeouts,
});

/** The vLLM servers. */
export const upstreamsConfig = z
  .array(upstream, { error: 'Give a list of upstreams.' })
  .min(1, { error: 'Give at least one upstream.' })
  .max(256, { error: 'Give at most 256 upstreams.' })
  .prefault([{}])
  .describe("The vLLM servers; the request's model chooses among them.");

const TOKEN_HINT = 'Give a spelling of 2 to 128 characters without white space at its ends.';
const isControlToken = (value: string): boolean =>
  value.length >= 2 && value.length <= 128 && value.trim() === value && !value.startsWith('{n}');

const modelNameText = text('Give the name of a model: at most 256 characters.', (value) => value.length <= 256);

/** Names of models. */
export const modelsConfig = group({
  aliases: z
    .record(modelNameText, modelNameText, { error: 'Give a map of aliases and the names that vLLM serves.' })
    .prefault({})
    .describe('Other names for models, each with the name that vLLM serves; grants are of the served names.'),
  controlTokens: list(text(TOKEN_HINT, isControlToken))
    .prefault([])
    .describe('Spellings of control tokens beside those of the known families.'),
}).prefault({});

/** One vLLM server as it comes out. `apiKey` is a secret; file paths are absolute once loaded. */
export type UpstreamConfig = DeepReadonly<z.output<typeof upstream>>;

/** The URL in one spelling: an origin, or `unix:` and an absolute path. Undefined where it is neither. */
function upstreamUrl(value: string): string | undefined {
  if (/[\s\\\p{Cc}]/u.test(value)) return undefined;
  const socket = /^unix:(\/[^/].*)$/.exec(value)?.[1];
  if (socket !== undefined) return `unix:${socket}`;
  const url = URL.parse(value);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  const isRoot =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return isRoot && !value.includes('@') ? url.origin : undefined;
}
