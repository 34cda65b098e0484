import type { JsonSource } from '../adapters/http-client/json-source.ts';
import type { ProviderFetch } from '../oauth/federation/openid-provider.ts';
import { allowedUrl, isElsewhere } from './issuer-watch.ts';

/** Asks an identity provider as issuers of tokens are asked: bounded, without redirects, and nowhere that it may not point to. */
export function createProviderFetch(source: JsonSource): ProviderFetch {
  return async (issuer, text, { method, headers, body }) => {
    const own = new URL(issuer);
    const url = allowedUrl(new URL(text), own);
    const ask = { url, caPem: undefined, mustBePublic: isElsewhere(url, own) };
    const { authorization } = headers;
    const value = await source(method === 'POST' ? { ...ask, form: { body: body ?? '', authorization } } : ask);
    return Response.json(value);
  };
}
