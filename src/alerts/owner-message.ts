import type { OwnerWord } from '../kernel/export.ts';
import type { AlertMessage } from './alert.ts';
import { plainLine } from './plain.ts';

/** What the owner of a held key reads. Why is not said: who has stolen the key may read the mail, too. */
export function ownerMessage({ timeMs, address, keyId, keyName }: OwnerWord): AlertMessage {
  const key = `${plainLine(keyName, 80)} (${plainLine(keyId, 40)})`;
  return {
    ...{ kind: 'owner', timeMs, group: '["owner"]', event: 'owner', tenant: undefined, severity: 'warning', count: 1 },
    ...{ title: `Your API key ${key} is held`, alerts: [], isResolved: false, to: address },
    lines: [
      `Since ${new Date(timeMs).toISOString()} all requests with your API key ${key} are refused with 403 quarantined.`,
      'Somebody may have used it who is not you, or a program of yours has behaved in a way that is not usual for it.',
      'Ask your administrator. Do not send the key to anybody.',
    ],
  };
}
