import { heading, isIpv6, type GuardedPort, type IsolationPlan } from './plan.ts';

const CHAIN = 'SALLYPORT';
const LOCAL_CHAIN = 'SALLYPORT-LOCAL';
/** Most ports of one multiport match. */
const MAX_PORTS = 15;

/**
 * The plan as a shell script of iptables and ip6tables, which can be run again. The table `mangle` is passed before
 * address translation, so that ports that a container engine publishes are covered as well.
 */
export function iptablesRules(plan: IsolationPlan): string {
  return [
    '#!/bin/sh',
    ...heading(plan).map((line) => `# ${line}`),
    'set -eu',
    ...rulesOf('iptables', '127.0.0.0/8', plan, (network) => !isIpv6(network)),
    ...rulesOf('ip6tables', '::1', plan, isIpv6),
    '',
  ].join('\n');
}

function rulesOf(
  tool: string,
  loopback: string,
  { ports, allowFrom, gatewayUser }: IsolationPlan,
  isOwn: (network: string) => boolean,
): string[] {
  const lists = portLists(ports);
  const drops = lists.map(
    (list) =>
      `${tool} -w -t mangle -A ${CHAIN} -p tcp -m multiport --dports ${list} -m conntrack --ctdir ORIGINAL -j DROP`,
  );
  const jump = (table: string, from: string, match: string, chain: string) =>
    `${tool} -w -t ${table} -C ${from} ${match} -j ${chain} 2>/dev/null || ${tool} -w -t ${table} -I ${from} ${match} -j ${chain}`;
  const local =
    gatewayUser === undefined
      ? []
      : [
          ...freshChain(tool, 'filter', LOCAL_CHAIN),
          ...['root', gatewayUser].map((user) => `${tool} -w -A ${LOCAL_CHAIN} -m owner --uid-owner ${user} -j RETURN`),
          ...portLists(ports.filter(({ isVllm }) => isVllm)).map(
            (list) =>
              `${tool} -w -A ${LOCAL_CHAIN} -p tcp -m multiport --dports ${list} -m conntrack --ctdir ORIGINAL -j REJECT --reject-with tcp-reset`,
          ),
          jump('filter', 'OUTPUT', '-o lo -p tcp', LOCAL_CHAIN),
        ];
  return [
    '',
    ...freshChain(tool, 'mangle', CHAIN),
    `${tool} -w -t mangle -A ${CHAIN} -i lo -d ${loopback} -j RETURN`,
    ...allowFrom.filter(isOwn).map((network) => `${tool} -w -t mangle -A ${CHAIN} -s ${network} -j RETURN`),
    ...drops,
    jump('mangle', 'PREROUTING', '-p tcp -m addrtype --dst-type LOCAL', CHAIN),
    ...local,
  ];
}

/** Made where there is none, emptied where there is one. */
const freshChain = (tool: string, table: string, chain: string): string[] => [
  `${tool} -w -t ${table} -N ${chain} 2>/dev/null || ${tool} -w -t ${table} -F ${chain}`,
];

function portLists(guarded: readonly GuardedPort[]): string[] {
  const ports = guarded.map(({ port }) => port);
  const lists: string[] = [];
  for (let at = 0; at < ports.length; at += MAX_PORTS) lists.push(ports.slice(at, at + MAX_PORTS).join(','));
  return lists;
}
