// Runs before every thread and process of a test (`quick-imports.ts` puts the folder of the bundles into the address).
// More than half of the start of a gateway is the search for 750 files on the disk; nothing is searched for here.
import module from 'node:module';

const { bundles, names } = Object.fromEntries(new URL(import.meta.url).searchParams);
const bundled = new Map(names.split(' ').map((name) => [name, `${bundles}/${name}.mjs`]));

// The Node.js of the machine, on which the launcher is tried, may be too old for this: then it searches.
module.registerHooks?.({
  resolve(specifier, { parentURL }, next) {
    // Packages find each other as ever: two that ask for a third one go on sharing it.
    if (parentURL === undefined || parentURL.includes('/node_modules/')) return next(specifier);
    if (specifier.startsWith('.') && specifier.endsWith('.ts')) {
      return { url: new URL(specifier, parentURL).href, format: 'module-typescript', shortCircuit: true };
    }
    const url = bundled.get(specifier);
    return url === undefined ? next(specifier) : { url, format: 'module', shortCircuit: true };
  },
});
