import { createHmac } from 'node:crypto';
import type { Principal } from '../../kernel/exchange.ts';
import type { BodyCaller } from '../../vllm/fields/body.ts';
import type { Caps } from '../../vllm/fields/caps.ts';
import type { ResponseIds } from '../../wire/response-id.ts';
import type { ValidationConfig } from './config.ts';

/** What the callers of a thread are told apart by. */
export interface CallersDeps {
  readonly maxOutputTokens: number | 'none';
  /** Secret that keeps the tenants' values apart, 32 bytes. */
  readonly tenantKey: Uint8Array;
  /** The ids by which callers know their stored responses. */
  readonly responseIds: ResponseIds;
}

/**
 * What the checks of a body need to know of a principal; made once for each, as long as the thread knows it. Values
 * that vLLM keeps caches by are bound to the tenant by a secret, so that no caller can name another tenant's.
 */
export function createCallers(
  config: ValidationConfig,
  { maxOutputTokens, tenantKey, responseIds }: CallersDeps,
): (principal: Principal) => BodyCaller {
  const known = new WeakMap<Principal, BodyCaller>();
  const configured: Caps = {
    ...config.caps,
    outputTokens: maxOutputTokens === 'none' ? Infinity : maxOutputTokens,
  };
  return (principal) => {
    const before = known.get(principal);
    if (before !== undefined) return before;
    const { tenant, id, member } = principal;
    // People behind one page are as far apart as tenants: none finds out what another one has asked.
    const whose = member === undefined ? [tenant] : [tenant, id, member];
    const caller: BodyCaller = {
      caps: { ...configured, ...principal.caps },
      grants: principal.grants,
      cacheSalt: bound(tenantKey, 'cache', ...whose),
      bind: (value) => bound(tenantKey, 'media', ...whose, value),
      openResponse: (id) => responseIds.open(id, principal),
    };
    known.set(principal, caller);
    return caller;
  };
}

/** The parts as JSON, so that no two lists of them are one text. */
function bound(key: Uint8Array, ...parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url');
}
