import { registerHooks } from 'node:module';
import type * as OidcProvider from 'oidc-provider';
import { QUIET_DEPD } from './quiet-depd.ts';

/** What of oidc-provider is used. */
export type OidcLibrary = typeof OidcProvider;

const QUIET_DEPD_URL = 'data:text/javascript,depd';

let loaded: Promise<OidcLibrary> | undefined;

/**
 * Loads the library on first use: without clients and users nothing of it is in memory. One package below it makes
 * functions of texts at load, which the product forbids; a quiet one stands in for it.
 */
export function loadOidcLibrary(): Promise<OidcLibrary> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<OidcLibrary> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'depd' ? { url: QUIET_DEPD_URL, format: 'commonjs', shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
      url === QUIET_DEPD_URL ? { format: 'commonjs', source: QUIET_DEPD, shortCircuit: true } : next(url, context),
  });
  // It knows its runtimes by a name that the builds of this one do not carry, and says so on every start.
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await import('oidc-provider');
  } finally {
    console.warn = warn;
    hooks.deregister();
  }
}
