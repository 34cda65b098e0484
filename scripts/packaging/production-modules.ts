import { cpSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What no running program reads: declarations, maps, pages, and the sources of what is there as JavaScript. */
const NOT_RUN = /\.(?:d\.[cm]?ts|[cm]?ts|tsx|map|md|markdown|flow|yml|yaml|html|txt)$/i;
const FOLDERS_NOT_RUN = new Set([
  'test',
  'tests',
  '__tests__',
  'docs',
  'benchmarks',
  'benchmark',
  'examples',
  '.github',
]);
const LEGAL = /^(licen[cs]e|notice|copying)/i;

/** Copies the dependencies that run, as `npm ci` has laid them in `root` by the lock file, without what never runs. */
export function copyProductionModules(root: string, to: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev, optional }] of Object.entries(lock.packages)) {
    if (path === '' || dev === true || optional === true) continue;
    const own = join(root, path);
    cpSync(own, join(to, path), {
      recursive: true,
      filter: (from) => {
        const name = basename(from);
        const inside = from.slice(own.length);
        // What is nested has its own line in the lock file.
        if (inside.startsWith('/node_modules')) return false;
        return LEGAL.test(name) || !(NOT_RUN.test(name) || FOLDERS_NOT_RUN.has(name));
      },
    });
  }
}
