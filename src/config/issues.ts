import type * as z from 'zod';
import { envNameOf, ENV_PREFIX } from './environment.ts';
import { pathText, shown, type Mistake, type Path } from './mistake.ts';
import { nearest } from '../kernel/nearest.ts';
import { configJsonSchema } from './schema.ts';
import { valueAt } from './tree.ts';

/** What a mistake may say of the value that it is about. */
export interface Origin {
  /** Whether the value must not be shown. */
  readonly isHidden: (path: Path) => boolean;
  /** Who said it. */
  readonly from: (path: Path) => string | undefined;
}

/** An issue of the schema: the place that is wrong, and what is said of it. */
export interface Finding {
  readonly path: Path;
  readonly mistake: Mistake;
}

/** What the schema found, for people. An issue that names several unknown keys becomes one finding for each. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], tree: unknown, origin: Origin): Finding[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code !== 'unrecognized_keys') {
      return [finding(path, shown(valueAt(tree, path), path, origin.isHidden(path)), issue.message, origin)];
    }
    return issue.keys.map((key) =>
      finding([...path, key], 'an unknown key', unknownKeyHint(path, key, origin), origin),
    );
  });
}

/** A mistake at a path, with who said it. */
export function finding(path: Path, found: string, hint: string, origin: Origin): Finding {
  const from = origin.from(path);
  return {
    path,
    mistake: { path: pathText(path) || 'configuration', found, hint, ...(from === undefined ? {} : { from }) },
  };
}

/** The nearest valid key beside it, else the same name elsewhere, else all that is valid here. */
function unknownKeyHint(parent: Path, key: string, origin: Origin): string {
  const spelt = (path: Path): string =>
    origin.from([...parent, key])?.startsWith(ENV_PREFIX) === true ? envNameOf(path) : pathText(path);
  const keys = keysAt(parent);
  const near = nearest(key, keys);
  if (near !== undefined) return `Did you mean ${spelt([...parent, near])}?`;
  const elsewhere = allPaths().find((path) => path.at(-1) === key);
  if (elsewhere !== undefined) return `It belongs at ${spelt(elsewhere)}.`;
  return keys.length === 0 ? 'Remove it.' : `Remove it, or give one of: ${keys.join(', ')}.`;
}

type Node = z.core.JSONSchema.BaseSchema;

function keysAt(path: Path): string[] {
  let node: Node | undefined = configJsonSchema();
  for (const step of path) node = typeof step === 'number' ? itemsOf(node) : objectOf(node?.properties?.[step]);
  return Object.keys(node?.properties ?? {});
}

function allPaths(node: Node = configJsonSchema(), path: Path = []): Path[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const at = [...path, name];
    const inner = objectOf(child);
    const item = itemsOf(inner);
    return [
      at,
      ...(inner === undefined ? [] : allPaths(inner, at)),
      ...(item === undefined ? [] : allPaths(item, [...at, 0])),
    ];
  });
}

function itemsOf(node: Node | undefined): Node | undefined {
  return Array.isArray(node?.items) ? undefined : objectOf(node?.items);
}

function objectOf(node: Node | boolean | undefined): Node | undefined {
  return typeof node === 'object' ? node : undefined;
}
