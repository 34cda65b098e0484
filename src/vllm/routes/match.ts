import { routes } from './index.ts';
import type { RouteRow } from './route.ts';

/**
 * The catalogue's row for a path, or undefined for a path that no known release of vLLM has. The path is
 * compared exactly, case included: the reader of the head accepts one spelling only, so nothing is decoded
 * or normalised here that vLLM could see otherwise.
 */
export function matchRoute(path: string): RouteRow | undefined {
  return exact.get(path) ?? patterns.find((pattern) => pattern.matches(path))?.row;
}

interface Pattern {
  readonly row: RouteRow;
  readonly matches: (path: string) => boolean;
}

const isExact = (row: RouteRow): boolean => !/[{*]/.test(row.path);
const exact: ReadonlyMap<string, RouteRow> = new Map(routes.filter(isExact).map((row) => [row.path, row]));
const patterns: readonly Pattern[] = routes
  .filter((row) => !isExact(row))
  .map((row) => ({ row, matches: matcher(row.path) }));

function matcher(pattern: string): (path: string) => boolean {
  if (pattern.endsWith('/*')) {
    const base = pattern.slice(0, -2);
    const below = `${base}/`;
    return (path) => path === base || path.startsWith(below);
  }
  if (pattern.endsWith('*')) {
    const prefix = pattern.slice(0, -1);
    return (path) => path.startsWith(prefix);
  }
  const wanted = pattern.split('/');
  return (path) => {
    const segments = path.split('/');
    return segments.length === wanted.length && wanted.every((want, i) => isSegment(want, segments[i] ?? ''));
  };
}

function isSegment(want: string, segment: string): boolean {
  return want.startsWith('{') ? segment !== '' : segment === want;
}
