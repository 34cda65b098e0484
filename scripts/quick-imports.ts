import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/** Packages of many files that none of our other ones asks for. */
const PACKAGES = ['hono', 'kysely', 'yaml', 'zod'] as const;

/**
 * Puts each of the packages of many files into one, as what is published has them (`packaging/bundle.ts`), unless that
 * was done for these versions before.
 *
 * @param root the repository, with a slash at its end
 * @returns a value of `NODE_OPTIONS` that has our sources import those files, and each other without a search
 */
export async function quickImports(root: string): Promise<string> {
  const versions = PACKAGES.map((name) => `${name}-${versionOf(name, root)}`);
  const folder = join(root, 'node_modules/.cache', versions.join('_'));
  if (!existsSync(folder)) await bundleInto(folder, root);
  const hook = pathToFileURL(join(root, 'scripts/quick-imports.mjs'));
  hook.searchParams.set('bundles', pathToFileURL(folder).href);
  hook.searchParams.set('names', PACKAGES.join(' '));
  return `--import ${hook.href}`;
}

function versionOf(name: string, root: string): string {
  const manifest = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** In one step for whoever looks: what was stopped halfway is not taken for the whole. */
async function bundleInto(folder: string, root: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  for (const name of PACKAGES) await bundleOne(name, root, join(made, `${name}.mjs`));
  if (!existsSync(folder)) renameSync(made, folder);
}

async function bundleOne(name: string, root: string, file: string): Promise<void> {
  // Names one by one: a bundle of a CommonJS package exports none by itself.
  const names = Object.keys((await import(name)) as object).filter((one) => /^[A-Za-z_$][\w$]*$/.test(one));
  const entry = join(root, 'entry.mjs');
  const bundle = await rolldown({
    input: 'entry',
    cwd: root,
    platform: 'node',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? entry : undefined),
        load: (id) => (id === entry ? `export { ${names.join(', ')} } from '${name}';` : undefined),
      },
    ],
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
}
