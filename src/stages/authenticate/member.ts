import { LRUCache } from 'lru-cache';
import type { Principal } from '../../kernel/exchange.ts';

const MAX_KNOWN = 10_000;
/** What logs and headers can show; a name that is longer is no name of a person. */
const NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;

/**
 * Finds the principal of a person behind a shared page: what the page's API key may do, kept apart by the name that
 * the page's header gives. Without a usable name it is the key itself: the name opens nothing, so leaving it out gains
 * nothing.
 */
export function createMembers(): (principal: Principal, headers: ReadonlyMap<string, string>) => Principal {
  const known = new LRUCache<string, { readonly of: Principal; readonly member: Principal }>({ max: MAX_KNOWN });
  return (principal, headers) => {
    if (principal.onBehalfOf === undefined) return principal;
    const name = headers.get(principal.onBehalfOf);
    if (name === undefined || !NAME.test(name)) return principal;
    const at = `${principal.id} ${name}`;
    const before = known.get(at);
    // Good only for the very principal that it was made of: a key that was changed makes another one.
    if (before?.of === principal) return before.member;
    const member: Principal = { ...principal, member: name };
    known.set(at, { of: principal, member });
    return member;
  };
}
