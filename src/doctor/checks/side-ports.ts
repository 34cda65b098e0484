import { SIDE_PORTS } from '../../vllm/side-ports.ts';
import type { Finding } from '../../kernel/finding.ts';
import type { Check } from '../installation.ts';
import { tcpPlaceOf } from '../../kernel/tcp-place.ts';

/** Ports beside the HTTP API that accept connections on an address that others reach. */
export const sidePorts: Check = async ({ upstreams }, machine) => {
  const places = upstreams.map(({ name, url }) => ({ name, place: tcpPlaceOf(url) }));
  const hosts = new Map<string, string>();
  // A server on a Unix socket is here, too.
  if (places.some(({ place }) => place === undefined || place.isHere)) {
    for (const address of machine.addresses()) hosts.set(address, 'this machine');
  }
  for (const { name, place } of places) if (place !== undefined && !place.isHere) hosts.set(place.host, name);
  const asked = [...hosts].flatMap(([host, whose]) => SIDE_PORTS.map((side) => ({ ...side, host, whose })));
  const open = await Promise.all(asked.map(({ host, port }) => machine.accepts(host, port)));
  return asked
    .filter((_, index) => open[index] === true)
    .map(({ host, port, what, setting, whose }): Finding => ({
      id: 'side_port_open',
      severity: 'high',
      what: `${host}:${port} (${whose}) accepts connections: vLLM's ${what} (${setting}) has neither key nor encryption.`,
      mend:
        whose === 'this machine'
          ? 'sallyport firewall print --nft | sudo nft -f -'
          : `sallyport firewall print --nft --on ${whose} --gateway-address IP, loaded on its machine`,
    }));
};
