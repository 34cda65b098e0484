import { heading, isIpv6, type GuardedPort, type IsolationPlan } from './plan.ts';

/**
 * The plan as a script of nftables, to be loaded by `nft -f`: one table of its own, replaced as a whole.
 *
 * The chain stands before address translation, so that ports that a container engine publishes are covered as well,
 * and behind connection tracking, so that an answer to a connection that the machine itself has opened passes although
 * its own end may bear such a port's number.
 */
export function nftRules(plan: IsolationPlan): string {
  const { ports, allowFrom, gatewayUser } = plan;
  const set = setOf(ports);
  const allowed = (family: string, networks: readonly string[]) =>
    networks.length === 0 ? [] : [`    ${family} saddr { ${networks.join(', ')} } return`];
  const local =
    gatewayUser === undefined
      ? []
      : [
          '',
          '  chain local {',
          '    type filter hook output priority filter; policy accept;',
          `    oifname "lo" tcp dport ${setOf(ports.filter(({ isVllm }) => isVllm))} ct direction original meta skuid != { root, ${gatewayUser} } counter reject with tcp reset`,
          '  }',
        ];
  return [
    '#!/usr/sbin/nft -f',
    ...heading(plan).map((line) => `# ${line}`),
    '',
    '# Made before it is deleted, so that the first load does not fail.',
    'table inet sallyport',
    'delete table inet sallyport',
    'table inet sallyport {',
    '  chain around {',
    '    type filter hook prerouting priority -150; policy accept;',
    '    fib daddr type != local return',
    `    tcp dport != ${set} return`,
    '    ct direction reply return',
    '    iifname "lo" ip daddr 127.0.0.0/8 return',
    '    iifname "lo" ip6 daddr ::1 return',
    ...allowed(
      'ip',
      allowFrom.filter((network) => !isIpv6(network)),
    ),
    ...allowed('ip6', allowFrom.filter(isIpv6)),
    '    meta l4proto tcp counter drop',
    '  }',
    ...local,
    '}',
    '',
  ].join('\n');
}

const setOf = (ports: readonly GuardedPort[]): string => `{ ${ports.map(({ port }) => port).join(', ')} }`;
