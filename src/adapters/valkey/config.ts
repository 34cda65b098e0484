import { choice, group, text } from '../../kernel/option.ts';

/** Value of `counters.url` that keeps them in the memory of this process. */
export const MEMORY = 'memory';

const URL_HINT =
  'Give memory, or a server such as redis://valkey-1:6379, valkeys://user:password@valkey-1:6379/0; the number of a database may follow, nothing else.';

/** Where counters are kept: in memory that the workers share, or on a Valkey or Redis server that all instances share. */
export const countersConfig = group({
  url: text(URL_HINT, isCountersUrl)
    .prefault(MEMORY)
    .describe(
      'memory, or redis://, rediss://, valkey://, valkeys:// where several instances count together; the s is TLS.',
    ),
  plaintext: choice('refused', 'accepted')
    .prefault('refused')
    .describe('Whether a server on another machine may be asked without TLS.'),
  onFailure: choice('local-share', 'deny')
    .prefault('local-share')
    .describe('Without the server each instance keeps to its share of the limits, or requests are refused (503).'),
}).prefault({});

function isCountersUrl(value: string): boolean {
  if (value === MEMORY) return true;
  const url = URL.parse(value);
  if (url === null || !/^(redis|valkey)s?:$/.test(url.protocol)) return false;
  return (
    url.hostname !== '' &&
    /^\/?\d{0,5}$/.test(url.pathname) &&
    url.search === '' &&
    url.hash === '' &&
    !/\s/.test(value)
  );
}
