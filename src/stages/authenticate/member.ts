import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../kernel/exchange.ts';
import { withoutSecrets } from '../../wire/printable.ts';

const MAX_KNOWN = 10_000;
/** What logs can show as it stands. */
const NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;

/**
 * Finds the principal of a person behind a shared page: what the page's API key may do, kept apart by the name that
 * the page's header gives. Without a name it is the key itself: the name opens nothing.
 */
export function createMembers(): (principal: Principal, headers: ReadonlyMap<string, string>) => Principal {
  const known = new LRUCache<string, { readonly of: Principal; readonly member: Principal }>({ max: MAX_KNOWN });
  return (principal, headers) => {
    if (principal.onBehalfOf === undefined) return principal;
    const name = headers.get(principal.onBehalfOf);
    if (name === undefined || name === '') return principal;
    const shownName = shown(name);
    const at = `${principal.id} ${shownName}`;
    const before = known.get(at);
    // Good only for the very principal that it was made of: a key that was changed makes another one.
    if (before?.of === principal) return before.member;
    const member: Principal = { ...principal, member: shownName };
    known.set(at, { of: principal, member });
    return member;
  };
}

/**
 * The name where logs can show it, else its digest: pages let people call themselves anything, and whoever has a long or
 * foreign name must not share caches with the next one who does, nor be free of the limits of a person. A page may even give
 * the keys of its people as their names: what looks like a credential stands in no log either.
 */
const shown = (name: string): string =>
  NAME.test(name) && !name.startsWith(DIGEST) && withoutSecrets(name) === name
    ? name
    : DIGEST + hash('sha256', name, 'base64url');

/** No name that is shown as it stands begins so: nobody can take the place of a digest. */
const DIGEST = 'sha256:';
