import { isAnyAddress, urlHost } from '../../kernel/host.ts';
import type { Finding } from '../../kernel/finding.ts';
import type { Check, Installation, Machine } from '../installation.ts';

const DAY_MS = 86_400_000;
/** A certificate with less life than this was not renewed in time. */
const SOON_MS = 14 * DAY_MS;

/** The gateway's own listener: whether it answers, and what its certificate says. */
export const listener: Check = async (installation, machine) => {
  const { listen, tls } = installation;
  const host = isAnyAddress(listen.host) ? (listen.host.includes(':') ? '::1' : '127.0.0.1') : listen.host;
  const named = await nameFindings(installation, machine);
  if (listen.port === 0) return named;
  const ready = await machine.ask(`${tls === 'off' ? 'http' : 'https'}://${urlHost(host)}:${listen.port}/readyz`);
  if (ready?.status !== 200) {
    return [
      ...named,
      {
        id: 'gateway_down',
        severity: 'medium',
        what: `No gateway is ready on ${urlHost(host)}:${listen.port}.`,
        mend: 'sallyport serve',
      },
    ];
  }
  if (tls === 'off') return named;
  const shown = await machine.certificate(host, listen.port);
  return shown === undefined ? named : [...named, ...certificateFindings(installation, shown, machine.nowMs())];
};

function certificateFindings(
  { tls, publicUrl, ownCaPem }: Installation,
  shown: NonNullable<Awaited<ReturnType<Machine['certificate']>>>,
  nowMs: number,
): Finding[] {
  const found: Finding[] = [];
  const leftMs = shown.notAfterMs - nowMs;
  if (leftMs < SOON_MS) {
    const when = leftMs <= 0 ? 'has ended' : `ends in ${Math.floor(leftMs / DAY_MS)} days`;
    found.push({
      id: 'certificate_ends',
      severity: 'high',
      what: `The certificate ${when} (${new Date(shown.notAfterMs).toISOString()}).`,
      mend:
        tls === 'files'
          ? 'renew the files of listen.tls.certFile and keyFile: the gateway takes them up by itself'
          : "look for 'certificate' in the log of the gateway: it says why there is no newer one",
    });
  }
  const name = publicUrl === undefined ? undefined : hostOf(publicUrl);
  if (name !== undefined && !shown.covers(name)) {
    found.push({
      id: 'certificate_name',
      severity: 'high',
      what: `The certificate is not good for ${name}, the host of listen.publicUrl: every client refuses it.`,
      mend: `get a certificate for ${name}, or correct listen.publicUrl`,
    });
  }
  if (tls === 'acme' && ownCaPem !== undefined && shown.isIssuedBy(ownCaPem)) {
    found.push({
      id: 'certificate_not_issued',
      severity: 'high',
      what: 'The CA has not issued a certificate yet: callers are shown one of the own CA of the gateway, and refuse it.',
      mend: "look for 'certificate' in the log of the gateway: it says what the CA found and when it is asked again",
    });
  }
  if (tls === 'self-signed') {
    found.push({
      id: 'certificate_self_signed',
      severity: 'info',
      what: 'The certificate comes from a CA of its own: callers trust it by ca.pem of the state directory.',
      mend: 'listen.tls.mode: acme, for a certificate that everybody trusts',
    });
  }
  return found;
}

async function nameFindings({ publicUrl, tls, trustedProxies }: Installation, machine: Machine): Promise<Finding[]> {
  const found: Finding[] = [];
  const wide = trustedProxies.filter((network) => /\/[0-7]$/.test(network));
  if (wide.length > 0) {
    found.push({
      id: 'trusts_the_world',
      severity: 'high',
      what: `listen.trustedProxies has ${wide.join(', ')}: whoever connects may say to be any address.`,
      mend: 'name the addresses of the proxies themselves in listen.trustedProxies',
    });
  }
  if (publicUrl === undefined) {
    found.push({
      id: 'public_url_unset',
      severity: 'low',
      what: 'listen.publicUrl is not set: printed settings and certificate names fall back to this machine.',
      mend: 'set listen.publicUrl to the URL that callers use',
    });
    return found;
  }
  const host = hostOf(publicUrl);
  if (host !== undefined && (await machine.resolve(host)).length === 0) {
    found.push({
      id: 'name_unresolved',
      severity: tls === 'acme' ? 'high' : 'medium',
      what: `${host}, the host of listen.publicUrl, does not resolve here.`,
      mend: `add a DNS record for ${host} that leads to this machine`,
    });
  }
  return found;
}

function hostOf(url: string): string | undefined {
  return URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, '$1');
}
