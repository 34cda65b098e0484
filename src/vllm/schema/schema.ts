import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { indexPath, memberPath } from '../../wire/json-path.ts';
import { jsonBytes } from './json-size.ts';
import { BOUNDS, formatWeight, SCHEMA_KEYWORDS, VALUE_KEYWORDS, isExtension } from './keywords.ts';
import type { SchemaKeyword } from './keywords.ts';
import { COMPILED_SCHEMA, DEFAULT_SCHEMA_CAPS } from './limits.ts';
import type { SchemaCaps, SchemaLimits } from './limits.ts';
import { PatternBudget } from './pattern-budget.ts';
import { refuseGraph } from './references.ts';
import type { SchemaNode } from './references.ts';

/** What one member costs for each count at which it may come, against one character of a text. */
const COUNTED_MEMBER = 10;

/**
 * Refuses a caller's JSON Schema that is malformed or that could cost a compiler of grammars, or the engine behind
 * it, more than it should: an invalid schema has killed engines (CVE-2025-48942) and workers (CVE-2025-48944).
 *
 * Looked at are its size, the number and nesting of its schemas, every keyword (unknown ones are refused) and its value,
 * references (only such as `#/$defs/Name`, which have to lead to a schema of the same document and come a step
 * further before they lead back), patterns, and what all repeats make of each other. One pass over the schema and
 * one over its references; the recursion is as deep as `schemaDepth`.
 *
 * @param limits what the schema is for: `COMPILED_SCHEMA` becomes a grammar, `READ_SCHEMA` only text of the prompt
 * @param patterns what the request's patterns may still cost; its schemas share one
 */
export function checkSchema(
  schema: JsonValue,
  caps: SchemaCaps = DEFAULT_SCHEMA_CAPS,
  limits: SchemaLimits = COMPILED_SCHEMA,
  patterns: PatternBudget = new PatternBudget(),
): Refusal | undefined {
  if (!isJsonObject(schema)) return invalid('Give a JSON Schema: an object.');
  if (jsonBytes(schema, caps.schemaBytes) > caps.schemaBytes) {
    return outOfRange(`Give a schema of at most ${caps.schemaBytes} bytes.`);
  }
  const walk = new Walk(caps, limits, patterns);
  // An empty constraint is dropped or ends the engine, as the release has it (CVE-2026-105757).
  const refusal = walk.root(schema);
  if (refusal !== undefined) return refusal;
  if (limits.isCompiled && walk.nodes[0]?.isEmpty === true) return invalid('Constrain something: {"type":"object"}.');
  return refuseGraph(schema, walk.nodes, walk.byObject, limits.written);
}

/** One pass over a schema, which counts and notes what the second pass needs. */
class Walk {
  readonly nodes: SchemaNode[] = [];
  readonly byObject = new Map<JsonObject, number>();
  readonly caps: SchemaCaps;
  readonly limits: SchemaLimits;
  readonly patterns: PatternBudget;
  enumValues = 0;
  enumBytes = 0;
  readonly lengths = new Set<string>();

  constructor(caps: SchemaCaps, limits: SchemaLimits, patterns: PatternBudget) {
    this.caps = caps;
    this.limits = limits;
    this.patterns = patterns;
  }

  root(schema: JsonObject): Refusal | undefined {
    const root = this.add(undefined, '');
    return this.object(schema, root, 1);
  }

  /** The path is relative to the parent's schema. */
  add(parent: SchemaNode | undefined, path: string): SchemaNode {
    const index = this.nodes.length;
    const node = { index, parent, path, size: 1, items: 1, members: 1, edges: [], ref: undefined, isEmpty: true };
    this.nodes.push(node);
    return node;
  }

  object(schema: JsonObject, node: SchemaNode, depth: number): Refusal | undefined {
    this.byObject.set(schema, node.index);
    const numbers = new Map<string, number>();
    for (const name in schema) {
      const value = schema[name] ?? null;
      node.isEmpty = false;
      if (typeof value === 'number') numbers.set(name, value);
      if (name === 'format' && typeof value === 'string') node.size += formatWeight(value);
      const refusal = this.keyword(name, value, node, depth);
      if (refusal !== undefined) return refusal.within(memberPath('', name));
    }
    const at = (name: string): number => numbers.get(name) ?? 0;
    const length = Math.max(at('minLength'), at('maxLength'));
    node.size += length;
    if (length > 0) this.lengths.add(`${at('minLength')} ${at('maxLength')}`);
    if (this.lengths.size > this.limits.lengths) {
      const most = `at most ${this.limits.lengths} different lengths of texts in a schema`;
      return outOfRange(`Give ${most}, or leave some out.`, at('maxLength') > 0 ? 'maxLength' : 'minLength');
    }
    node.size += countWeight(schema, at('minProperties'), numbers.get('maxProperties'));
    node.items = Math.max(1, at('minItems'), at('maxItems'), at('minContains'), at('maxContains'));
    node.members = Math.max(1, at('minProperties'), at('maxProperties'));
    return refuseBounds(numbers);
  }

  keyword(name: string, value: JsonValue, node: SchemaNode, depth: number): Refusal | undefined {
    const check = VALUE_KEYWORDS.get(name);
    if (check !== undefined) return check(value, this.limits);
    const schemas = SCHEMA_KEYWORDS.get(name);
    if (schemas !== undefined) return this.schemas(name, schemas, value, node, depth);
    switch (name) {
      case 'enum':
        return this.values(value, node);
      case 'const':
        return this.values([value], node);
      case 'pattern':
        return this.pattern(value, node);
      case '$ref':
        return reference(value, node);
      case 'dependencies':
        return this.dependencies(value, node, depth);
      case '$id':
        // Further inside it would change what every reference beneath it means.
        if (node.parent !== undefined) return invalid('Give $id at the top of a schema only.');
        return typeof value === 'string' && value.length <= 256 ? undefined : invalid('Give a text of at most 256.');
      default:
        if (isExtension(name)) return undefined;
        return new Refusal('unknown_field', '', 'This keyword is not known here. Remove it, or begin it with "x-".');
    }
  }

  /** The schemas that a keyword holds. */
  schemas(
    name: string,
    keyword: SchemaKeyword,
    value: JsonValue,
    node: SchemaNode,
    depth: number,
  ): Refusal | undefined {
    const { form } = keyword;
    const path = memberPath('', name);
    if (form === 'named') {
      if (!isJsonObject(value)) return invalid('Give an object of schemas.');
      for (const key in value) {
        // Compilers differ in whether that is a member nobody may give or a schema they cannot read: the door takes
        // it and the engine ends (vLLM #43920).
        if (this.limits.isCompiled && name === 'properties' && value[key] === false) {
          return invalid('Leave the member out, and give "additionalProperties": false.', memberPath('', key));
        }
        const refusal =
          (name === 'patternProperties' ? this.pattern(key, node) : undefined) ??
          this.child(value[key] ?? null, memberPath(path, key), keyword, node, depth);
        if (refusal !== undefined) return refusal.within(memberPath('', key));
      }
      return undefined;
    }
    if (form === 'one' || (form === 'either' && !Array.isArray(value))) {
      return this.child(value, path, keyword, node, depth);
    }
    if (!Array.isArray(value) || value.length === 0) return invalid('Give a list of at least one schema.');
    // The form of drafts up to 2019-09, on which compilers throw that the check at the door never asked (vLLM #43920).
    if (this.limits.isCompiled && form === 'either') return invalid('Give lists of schemas as prefixItems.');
    for (let i = 0; i < value.length; i++) {
      const refusal = this.child(value[i] ?? null, indexPath(path, i), keyword, node, depth);
      if (refusal !== undefined) return refusal.within(`[${i}]`);
    }
    return undefined;
  }

  /** A schema inside another one: an object, or true or false. */
  child(
    value: JsonValue,
    path: string,
    keyword: SchemaKeyword,
    parent: SchemaNode,
    depth: number,
  ): Refusal | undefined {
    const { schemaNodes, schemaDepth } = this.caps;
    if (this.nodes.length >= schemaNodes) return outOfRange(`Give at most ${schemaNodes} schemas in one.`);
    if (depth >= schemaDepth) return outOfRange(`Nest at most ${schemaDepth} schemas.`);
    const node = this.add(parent, path);
    parent.edges.push({ to: node.index, times: keyword.times, isInPlace: keyword.isInPlace });
    if (typeof value === 'boolean') return undefined;
    return isJsonObject(value)
      ? this.object(value, node, depth + 1)
      : invalid('Give a schema: an object, true or false.');
  }

  /** `dependencies` of drafts up to 7: lists of names or schemas. */
  dependencies(value: JsonValue, node: SchemaNode, depth: number): Refusal | undefined {
    if (!isJsonObject(value)) return invalid('Give an object of schemas or lists of names.');
    for (const key in value) {
      const member = value[key] ?? null;
      const refusal = Array.isArray(member)
        ? VALUE_KEYWORDS.get('required')?.(member, this.limits)
        : this.child(
            member,
            memberPath('dependencies', key),
            { form: 'one', isInPlace: true, times: 'once' },
            node,
            depth,
          );
      if (refusal !== undefined) return refusal.within(memberPath('', key));
    }
    return undefined;
  }

  values(value: JsonValue, node: SchemaNode): Refusal | undefined {
    if (!Array.isArray(value) || value.length === 0) return invalid('Give a list of at least one value.');
    const { enumValues, enumBytes } = this.limits;
    this.enumValues += value.length;
    if (this.enumValues > enumValues) return outOfRange(`Give at most ${enumValues} values in all enums together.`);
    this.enumBytes += jsonBytes(value, Math.min(enumBytes, this.caps.schemaBytes));
    if (this.enumBytes > enumBytes) return outOfRange(`Give at most ${enumBytes} bytes in all enums together.`);
    node.size += value.length;
    return undefined;
  }

  pattern(value: JsonValue, node: SchemaNode): Refusal | undefined {
    if (typeof value !== 'string') return invalid('Give a regular expression as text.');
    const size = this.patterns.size(value, this.limits);
    if (size instanceof Refusal) return size;
    node.size += size;
    return undefined;
  }
}

/**
 * What it costs to count members: a compiler writes every member that may be left out once for every count at which
 * it may come, up to all of them where there is no upper bound (xgrammar took 17 s for 200 members of which 100 to
 * 110 may be there, and over 20 s for `minProperties: 1` with 510).
 */
function countWeight(schema: JsonObject, min: number, max: number | undefined): number {
  if (min === 0 && max === undefined) return 0;
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  let optional = 0;
  const members = schema['properties'];
  for (const name in isJsonObject(members) ? members : {}) if (!required.has(name)) optional++;
  return COUNTED_MEMBER * optional * (Math.min(min, optional) + Math.min(max ?? optional, optional));
}

function reference(value: JsonValue, node: SchemaNode): Refusal | undefined {
  const hint = 'Refer to a schema of the same document: "#", "#/$defs/Name" or "#/definitions/Name".';
  if (typeof value !== 'string' || value.length > 256) return invalid(hint);
  // Compilers differ in whether they decode percent signs.
  if (value !== '#' && !/^#\/[^%]*$/.test(value)) return invalid(hint);
  node.ref = value;
  return undefined;
}

/** Bounds that nothing can keep: compilers throw on them, at a place that is theirs. */
function refuseBounds(numbers: ReadonlyMap<string, number>): Refusal | undefined {
  for (const [lower, upper] of BOUNDS) {
    if ((numbers.get(lower) ?? 0) > (numbers.get(upper) ?? Infinity)) {
      return outOfRange(`Give ${lower} that is at most ${upper}.`, lower);
    }
  }
  const above = numbers.get('exclusiveMinimum') ?? -Infinity;
  const below = numbers.get('exclusiveMaximum') ?? Infinity;
  const from = numbers.get('minimum') ?? -Infinity;
  const to = numbers.get('maximum') ?? Infinity;
  if (from <= to && above < below && above < to && from < below) return undefined;
  return outOfRange('Give lower bounds that some number can keep together with the upper ones.');
}
