import type { Path } from './mistake.ts';

/** Options before they are checked: a map without prototype, so that `__proto__` is a name like any other. */
export interface Tree {
  [name: string]: unknown;
}

/** Tells whether a value is a map of options. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A deep copy in maps without prototype, in which `change` has replaced the leaves. */
export function mapLeaves(value: unknown, change: (leaf: unknown, path: Path) => unknown, path: Path = []): unknown {
  if (Array.isArray(value)) return value.map((item, i) => mapLeaves(item, change, [...path, i]));
  if (!isTree(value)) return change(value, path);
  const copy = emptyTree();
  for (const [name, child] of Object.entries(value)) copy[name] = mapLeaves(child, change, [...path, name]);
  return copy;
}

/** Both together: `over` wins, maps are merged, lists and other values are replaced, undefined says nothing. */
export function merged(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isTree(base) || !isTree(over)) return over;
  const result = emptyTree();
  for (const [name, value] of Object.entries(base)) result[name] = value;
  for (const [name, value] of Object.entries(over)) result[name] = merged(result[name], value);
  return result;
}

/** The same without names that have no value: `publicUrl:` is as good as no line. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isTree(value)) return value;
  const result = emptyTree();
  for (const [name, child] of Object.entries(value))
    if (child !== null && child !== undefined) result[name] = withoutNulls(child);
  return result;
}

/** What stands at a path; undefined where nothing does. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = isTree(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/**
 * The tree with `value` at `path`, merged into what stands there; missing maps and lists are made on the way.
 * A position after the end of its list leaves a hole there, which no schema accepts.
 */
export function withValueAt(tree: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return merged(tree, value);
  if (typeof step === 'number' && !isTree(tree)) {
    const list: unknown[] = Array.isArray(tree) ? [...tree] : [];
    while (list.length < step) list.push(undefined);
    list[step] = withValueAt(list[step], rest, value);
    return list;
  }
  const copy = merged(emptyTree(), isTree(tree) ? tree : {});
  if (isTree(copy)) copy[step] = withValueAt(copy[step], rest, value);
  return copy;
}

/** The tree without what stands at `path`; in a list, an empty map stays in its place so that no position moves. */
export function withoutValueAt(tree: unknown, path: Path): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return emptyTree();
  if (Array.isArray(tree)) return tree.map((item, i) => (i === step ? withoutValueAt(item, rest) : item));
  if (!isTree(tree)) return tree;
  const copy = emptyTree();
  for (const [name, child] of Object.entries(tree)) {
    if (name !== String(step)) copy[name] = child;
    else if (rest.length > 0) copy[name] = withoutValueAt(child, rest);
  }
  return copy;
}

/** A map without prototype. */
export function emptyTree(): Tree {
  // Object.create is typed `any`.
  return Object.create(null) as Tree;
}
