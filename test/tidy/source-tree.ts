import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One source file of the product, without its tests. */
export interface SourceFile {
  /** Path from `src/`. */
  readonly path: string;
  readonly text: string;
  /** Files of ours that it imports, as paths from `src/`; `type` where the import is erased. */
  readonly imports: readonly { readonly path: string; readonly isType: boolean }[];
  /** Packages and built-in modules that it imports. */
  readonly packages: readonly string[];
  /** Those of them that are loaded with the file, not erased as types are. */
  readonly loadedPackages: readonly string[];
}

const IMPORT = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;

/** Every source file of the product. */
export function sourceFiles(): SourceFile[] {
  return globSync('src/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const found = [...text.matchAll(IMPORT)].map((match) => ({
        isType: match[1] !== undefined,
        from: match[2] ?? '',
      }));
      return {
        path: relative('src', path),
        text,
        imports: found
          .filter(({ from }) => from.startsWith('.'))
          .map(({ isType, from }) => ({ isType, path: relative('src', normalize(join(dirname(path), from))) })),
        packages: found.filter(({ from }) => !from.startsWith('.')).map(({ from }) => from),
        loadedPackages: found.filter(({ from, isType }) => !isType && !from.startsWith('.')).map(({ from }) => from),
      };
    });
}
