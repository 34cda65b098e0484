import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { Refusal } from '../fields/refusal.ts';
import { invalid, outOfRange } from '../fields/refusal.ts';
import { joinPath } from '../../wire/json-path.ts';

/** One schema of a document, as the first pass notes it. */
export interface SchemaNode {
  readonly index: number;
  readonly parent: SchemaNode | undefined;
  /** JSON path from the parent's schema. */
  readonly path: string;
  /** What it costs by itself when repeats are written out: 1, its characters, values, format and counted members. */
  size: number;
  /** Most times that the schema of its items, and of its members without name, is repeated. */
  items: number;
  members: number;
  /** The schemas inside it. */
  readonly edges: SchemaEdge[];
  /** Its `$ref`. */
  ref: string | undefined;
  /** It has no keyword. */
  isEmpty: boolean;
}

/** From a schema to one that belongs to it. */
export interface SchemaEdge {
  readonly to: number;
  readonly times: 'once' | 'items' | 'members';
  readonly isInPlace: boolean;
}

/**
 * Refuses references that lead nowhere or in a circle, and a schema that is too large once its repeats are written
 * out and its references followed: some compilers do both, and references alone can double it at every level.
 */
export function refuseGraph(
  document: JsonObject,
  nodes: readonly SchemaNode[],
  byObject: ReadonlyMap<JsonObject, number>,
  maxWritten: number,
): Refusal | undefined {
  for (const node of nodes) {
    if (node.ref === undefined) continue;
    const target = resolve(document, node.ref);
    const to = target === undefined ? undefined : byObject.get(target);
    if (to === undefined) return invalid('Refer to a schema that this document has.', joinPath(pathOf(node), '$ref'));
    node.edges.push({ to, times: 'once', isInPlace: true });
  }
  const circle = findCircle(nodes);
  if (circle !== undefined) {
    const path = joinPath(pathOf(circle), '$ref');
    return invalid('Let a reference come to an item or a member before it leads back to itself.', path);
  }
  const tooLarge = findTooLarge(nodes, maxWritten);
  if (tooLarge === undefined) return undefined;
  const hint = `Let lengths, counts, patterns, formats and references come to at most ${maxWritten}: lower or leave out maxItems, maxLength, minProperties or maxProperties, or have fewer formats and patterns.`;
  return outOfRange(hint, pathOf(tooLarge));
}

/** The object that a JSON pointer (RFC 6901) with `#` leads to. */
function resolve(document: JsonObject, reference: string): JsonObject | undefined {
  let value: JsonValue | undefined = document;
  for (const token of reference.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null) return undefined;
    // Else a name could find what the prototype has.
    if (!Object.hasOwn(value, name) || (Array.isArray(value) && !/^\d{1,9}$/.test(name))) return undefined;
    value = Array.isArray(value) ? value[Number(name)] : value[name];
  }
  return isJsonObject(value) ? value : undefined;
}

/** A schema with a reference on a way that comes back to itself without a step into the value. */
function findCircle(nodes: readonly SchemaNode[]): SchemaNode | undefined {
  // Whatever has no way on is taken away, then what led only there: a circle is what remains, with what leads to it.
  const waysOn = nodes.map(({ edges }) => edges.filter(({ isInPlace }) => isInPlace).length);
  const comeFrom = nodes.map((): number[] => []);
  for (const { index, edges } of nodes) {
    for (const { to, isInPlace } of edges) if (isInPlace) comeFrom[to]?.push(index);
  }
  const ended = nodes.filter(({ index }) => waysOn[index] === 0).map(({ index }) => index);
  for (let index = ended.pop(); index !== undefined; index = ended.pop()) {
    for (const from of comeFrom[index] ?? []) {
      const left = (waysOn[from] ?? 0) - 1;
      waysOn[from] = left;
      if (left === 0) ended.push(from);
    }
  }
  return nodes.find(({ index, ref }) => ref !== undefined && (waysOn[index] ?? 0) > 0);
}

/** The first schema that grows beyond a limit, innermost first. A reference back into itself counts once. */
function findTooLarge(nodes: readonly SchemaNode[], limit: number): SchemaNode | undefined {
  if (limit === Infinity) return undefined;
  const sizes: (number | undefined)[] = nodes.map(() => undefined);
  const isOpen = nodes.map(() => false);
  const way: SchemaNode[] = nodes.slice(0, 1);
  for (let node = way.at(-1); node !== undefined; node = way.at(-1)) {
    const { index, edges } = node;
    const isReturned = isOpen[index] === true;
    isOpen[index] = true;
    const open = isReturned ? [] : edges.filter(({ to }) => sizes[to] === undefined && isOpen[to] !== true);
    for (const { to } of open) if (nodes[to] !== undefined) way.push(nodes[to]);
    if (open.length > 0) continue;
    way.pop();
    if (sizes[index] !== undefined) continue;
    const size = sizeWith(node, sizes);
    if (size > limit) return node;
    sizes[index] = size;
  }
  return undefined;
}

function sizeWith({ size, items, members, edges }: SchemaNode, sizes: readonly (number | undefined)[]): number {
  const times = { once: 1, items, members };
  return edges.reduce((sum, edge) => sum + times[edge.times] * (sizes[edge.to] ?? 1), size);
}

function pathOf(node: SchemaNode): string {
  return node.parent === undefined ? node.path : joinPath(pathOf(node.parent), node.path);
}
