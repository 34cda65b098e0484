import { urlHost } from '../../kernel/host.ts';
import type { Finding } from '../../kernel/finding.ts';
import type { Check, Installation, Machine } from '../installation.ts';
import { tcpPlaceOf } from '../../kernel/tcp-place.ts';

/**
 * vLLM that answers on another address of this machine: whoever reaches the machine needs no gateway. Seen from here a
 * packet filter that drops what comes from outside is not noticed unless it covers the machine itself, too; the rules
 * of `firewall print --nft` and `--iptables` do.
 */
export const around: Check = async (installation, machine) =>
  (await reachableAround(installation, machine)).map(({ name, url }): Finding => {
    const { port } = new URL(url);
    return {
      id: 'vllm_reachable_around',
      severity: 'critical',
      what: `vLLM (${name}) answers on ${url}: whoever reaches this address needs no key of the gateway.`,
      mend: `start vLLM with --host 127.0.0.1 (or --uds), or close port ${port}: sallyport firewall print --nft | sudo nft -f -`,
    };
  });

/** The URLs of outer addresses on which an upstream of this machine answers `GET /version`. */
export async function reachableAround(
  { upstreams }: Pick<Installation, 'upstreams'>,
  machine: Pick<Machine, 'addresses' | 'ask'>,
): Promise<readonly { readonly name: string; readonly url: string }[]> {
  const asked = upstreams.flatMap(({ name, url }) => {
    const place = tcpPlaceOf(url);
    // By an outer address of its own it is here all the same, and that very address is a way around.
    if (place === undefined || !(place.isHere || machine.addresses().includes(place.host))) return [];
    return machine.addresses().map((address) => ({ name, url: `${place.scheme}://${urlHost(address)}:${place.port}` }));
  });
  const answers = await Promise.all(asked.map(({ url }) => machine.ask(`${url}/version`)));
  // Any HTTP answer: a 401 of vLLM's own key leaves half of its routes open to everybody.
  return asked.filter((_, index) => answers[index] !== undefined);
}
