import type { AuditFilter } from '../audit-log/entry.ts';
import { isAddress, plainAddress } from '../wire/address.ts';

/** Whom or what an incident is about. */
export interface IncidentSubject {
  readonly kind: 'key' | 'credential' | 'address' | 'request' | 'tenant';
  /** Public id of the key, name of the credential, address, id of the request or of the tenant. */
  readonly id: string;
}

// The second form is that of the admin listener.
const REQUEST = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/i;
const KEY = /^(?:key:)?([A-Za-z0-9]{6})$/;
const WHOLE_KEY = /^sp_([A-Za-z0-9]{6})_/;

/** What a word means: an address, the id of a request, a key by its id or its value, else a credential by its name in records. */
export function subjectOf(word: string): IncidentSubject {
  // As findings name it.
  const address = word.replace(/^network:/, '');
  if (isAddress(address)) return { kind: 'address', id: plainAddress(address) };
  const tenant = /^tenant:(.+)$/.exec(word)?.[1];
  if (tenant !== undefined) return { kind: 'tenant', id: tenant };
  if (REQUEST.test(word)) return { kind: 'request', id: word.toLowerCase() };
  const key = KEY.exec(word)?.[1] ?? WHOLE_KEY.exec(word)?.[1];
  return key === undefined ? { kind: 'credential', id: word } : { kind: 'key', id: key };
}

/** By which records about it are found. */
export function filterOf({ kind, id }: IncidentSubject): Pick<AuditFilter, 'credential' | 'request' | 'tenant'> & {
  readonly address?: string;
} {
  if (kind === 'address') return { address: id };
  if (kind === 'request') return { request: id };
  if (kind === 'tenant') return { tenant: id };
  return { credential: kind === 'key' ? `key:${id}` : id };
}
