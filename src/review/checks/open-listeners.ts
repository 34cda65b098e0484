import { isLoopbackHost } from '../../kernel/host.ts';
import { foundWhere, type Check } from '../check.ts';

/** What administers belongs to a network of its own. */
export const openListeners: Check = {
  id: 'open-listeners',
  severity: 'medium',
  title: 'Listener that is more open than it needs to be',
  standard: 'NIST SP 800-53 SC-7, RFC 9700 §2.6',
  mend: 'admin.host: 127.0.0.1, or an address of a network for administration',
  run: ({ settings: { adminHost, tlsMode, publicUrl } }) => [
    ...foundWhere(
      adminHost === '0.0.0.0' || adminHost === '::',
      'config/admin.host',
      'The admin listener answers on every network.',
      `admin.host is ${adminHost}`,
    ),
    ...foundWhere(
      tlsMode === 'off' && publicUrl.startsWith('http:') && !isLoopbackHost(URL.parse(publicUrl)?.hostname ?? ''),
      'config/listen.tls.mode',
      'Keys, tokens and prompts go over plain http.',
      `listen.publicUrl is ${publicUrl}`,
    ),
  ],
};
