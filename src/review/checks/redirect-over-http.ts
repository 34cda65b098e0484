import { isLoopbackHost } from '../../kernel/host.ts';
import type { Check } from '../check.ts';

/** A code that goes over plain http is read on its way. */
export const redirectOverHttp: Check = {
  id: 'redirect-over-http',
  severity: 'high',
  title: 'Redirect URI on plain http',
  standard: 'RFC 9700 §2.6, RFC 8252 §8.3',
  mend: 'sallyport clients edit ID --redirect-uri https://…',
  run: ({ clients }) =>
    clients.flatMap(({ record }) =>
      record.redirectUris.filter(isPlain).map((uri) => ({
        subject: `oauth-clients/${record.id}`,
        what: `Client ${record.id} (${record.name}) is sent codes over plain http.`,
        evidence: [uri],
        mend: `sallyport clients edit ${record.id} --redirect-uri ${uri.replace(/^http:/, 'https:')}`,
      })),
    ),
};

/** On loopback nobody is in between (RFC 8252 §7.3). */
function isPlain(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === 'http:' && !isLoopbackHost(url.hostname);
}
