import { isLoopbackHost } from '../../kernel/host.ts';
import type { Check } from '../check.ts';

/** Whoever reaches vLLM needs no gateway. */
export const upstreamWithoutKey: Check = {
  id: 'upstream-without-key',
  severity: 'medium',
  title: 'Upstream elsewhere without a key or without TLS',
  standard: 'NIST SP 800-207 (zero trust), CWE-306',
  mend: 'upstreams[].apiKey, and an https URL',
  run: ({ settings: { upstreams } }) =>
    upstreams.flatMap(({ name, url, hasApiKey }) => {
      const { hostname, protocol } = new URL(url);
      const lacks = [...(hasApiKey ? [] : ['a key']), ...(protocol === 'https:' ? [] : ['TLS'])];
      if (isLoopbackHost(hostname) || lacks.length === 0) return [];
      return [
        {
          subject: `upstreams/${name}`,
          what: `Upstream ${name} is asked over the network without ${lacks.join(' and without ')}.`,
          evidence: [url],
        },
      ];
    }),
};
