import { heading, type IsolationPlan } from './plan.ts';

/** The plan as commands of ufw. It has no say over ports that a container engine publishes, and none over local users. */
export function ufwRules(plan: IsolationPlan): string {
  const { ports, allowFrom, gatewayUser } = plan;
  return [
    '#!/bin/sh',
    ...heading({ ...plan, gatewayUser: undefined }).map((line) => `# ${line}`),
    '# ufw does not see ports that a container engine publishes: use --nft where vLLM runs in a container.',
    '# It lets the machine reach its own addresses, so "sallyport doctor" cannot see from here that the rules hold.',
    ...(gatewayUser === undefined ? [] : ['# ufw cannot tell local users apart: use --nft for that.']),
    'set -eu',
    // Prepended, so the last one said is the first one tried: an older "allow 8000" does not win.
    ...ports.map(({ port }) => `ufw prepend deny proto tcp to any port ${port}`),
    ...allowFrom.flatMap((network) =>
      ports.map(({ port }) => `ufw prepend allow proto tcp from ${network} to any port ${port}`),
    ),
    'ufw status | grep -q "Status: active" || echo "ufw is off: the rules hold once it is on (ufw allow ssh; ufw enable)." >&2',
    '',
  ].join('\n');
}
