import { cpSync, globSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { QUIET_DEPD } from '../../src/oauth/quiet-depd.ts';

/** All that is ever started, by their paths: what becomes of everything else is the bundler's. */
export const ENTRIES = [
  ...['src/main', 'src/cli/sandbox'],
  ...['worker', 'store', 'records', 'exports', 'audit-search'].map((thread) => `src/gateway/threads/${thread}`),
];

/** Where what several entries share goes. */
const SHARED = 'src/shared/[name]-[hash].js';

/**
 * Puts our plain JavaScript from `tree/src` into few files in `to/src`: a start is mostly the loading of files, and there
 * are a thousand of them.
 *
 * @param packages whether the packages that are imported come in, too, as they lie above `tree`, or stay to be imported
 * @returns the folders of the packages that came in
 */
export async function bundle(tree: string, to: string, packages: 'in' | 'out'): Promise<string[]> {
  const bundled = await rolldown({
    cwd: tree,
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(tree, `${entry}.js`)])),
    platform: 'node',
    ...(packages === 'out' ? { external: (id) => !COMES_IN.test(id) } : {}),
    plugins: [placesOf(tree), quietDepd()],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`the bundle: ${log.message}`);
    },
  });
  const { output } = await bundled.write({
    dir: to,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: SHARED,
    // A module that must stand before another one does so wherever the two end up.
    strictExecutionOrder: true,
  });
  await bundled.close();
  const ids = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  return [...new Set(ids.flatMap((id) => packageOf(id) ?? []))].sort();
}

/** What stands in for a package at run time stands in for it here: it would generate code, which the product forbids. */
function quietDepd(): Plugin {
  const id = '\0depd.cjs';
  return {
    name: 'quiet-depd',
    resolveId: (source) => (source === 'depd' ? id : undefined),
    load: (asked) => (asked === id ? QUIET_DEPD : undefined),
  };
}

/**
 * Our own modules, and the packages of which one asks, while it loads, for what a module of ours has to put there first:
 * what stays outside is imported before anything of a bundle runs.
 */
const COMES_IN = /^([./]|\0|@peculiar\/|tsyringe|tslib|asn1js|pvtsutils|pvutils)/;

const ROOT = '__ROOT_OF_THE_PACKAGE__';

/** Lets a module find the files of the package by `import.meta.url` as if it still lay where it did. */
function placesOf(tree: string): Plugin {
  return {
    name: 'places',
    transform(code, id) {
      if (!id.startsWith(`${tree}${sep}`) || !code.includes('import.meta.url')) return undefined;
      return code.replaceAll('import.meta.url', `new URL('${relative(tree, id)}', ${ROOT}).href`);
    },
    renderChunk(code, { fileName }) {
      const up = '../'.repeat(fileName.split('/').length - 1);
      return code.includes(ROOT) ? code.replaceAll(ROOT, `new URL('${up}', import.meta.url)`) : undefined;
    },
  };
}

/** The folder of the package that holds a module; undefined for our own. */
function packageOf(id: string): string | undefined {
  const end = id.lastIndexOf(`${sep}node_modules${sep}`);
  if (end < 0) return undefined;
  const start = end + '/node_modules/'.length;
  const [first = '', second = ''] = id.slice(start).split(sep);
  return id.slice(0, start) + (first.startsWith('@') ? join(first, second) : first);
}

const LEGAL = /^(licen[cs]e|notice|copying)/i;

/** Lays manifest and licence of each bundled package where it would lie: both are owed, and scanners look there. */
export function keepManifests(packages: readonly string[], root: string, to: string): void {
  for (const folder of packages) {
    for (const path of globSync('*', { cwd: folder, withFileTypes: true })) {
      if (!path.isFile() || !(path.name === 'package.json' || LEGAL.test(path.name))) continue;
      cpSync(join(folder, path.name), join(to, relative(root, folder), path.name));
    }
  }
}
