import type { JsonObject } from '../../kernel/json.ts';
import { isPlain, parsePath, type Step } from './path.ts';
import { createSearch, type Place, type Search } from './search.ts';
import { createTests, numberFrom, type Tests, type ValueTest } from './value-tests.ts';

/**
 * What a body must hold for a patch to stop it: plain data, so that an operator can write it. All of a condition's
 * tests must hold of the same value. A member that is null counts as absent, as vLLM takes it.
 */
export type Condition = FieldCondition | AllCondition | AnyCondition | NotCondition;

/** Some value at the path passes every test. */
export interface FieldCondition extends Tests {
  /** Where: the form of `parsePath`. */
  readonly field: string;
  /** More than so many values at the path pass the tests; without it, one is enough. */
  readonly occursMoreThan?: number;
}

/** Every one of the conditions. */
export interface AllCondition {
  readonly all: readonly Condition[];
}

/** One of the conditions at least. */
export interface AnyCondition {
  readonly any: readonly Condition[];
}

/** Not the condition. */
export interface NotCondition {
  readonly not: Condition;
}

/**
 * Makes the check of a body: it gives the JSON path of what the condition found (empty where it is the whole body, or
 * what is missing), or undefined where the condition does not hold. Linear in the body for each field that the
 * condition names; never throws, whatever the body.
 *
 * @throws TypeError where a path is none: rows of operators come through `parsePatchRow`, which says so before
 */
export function compileCondition(condition: Condition): (body: JsonObject) => string | undefined {
  const names = new Set<string>();
  const find = compile(condition, names);
  return (body) => find(createSearch(body, names))?.path();
}

/** The check of one condition, on a search that several conditions share. Gives the place that was found. */
export type Find = (search: Search) => Place | undefined;

/**
 * As `compileCondition`, for conditions that look at the same body.
 *
 * @param names takes the names that the condition wants found at any depth
 */
export function compile(condition: Condition, names: Set<string>): Find {
  if ('all' in condition) return compileAll(condition.all.map((part) => compile(part, names)));
  if ('any' in condition) return compileAny(condition.any.map((part) => compile(part, names)));
  if ('not' in condition) return compileNot(compile(condition.not, names));
  return compileField(condition, names);
}

function compileAll(parts: readonly Find[]): Find {
  return (search) => {
    let first: Place | undefined;
    for (const find of parts) {
      const place = find(search);
      if (place === undefined) return undefined;
      if (first === undefined || first === search.root) first = place;
    }
    return first;
  };
}

function compileAny(parts: readonly Find[]): Find {
  return (search) => {
    for (const find of parts) {
      const place = find(search);
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

const compileNot =
  (find: Find): Find =>
  (search) =>
    find(search) === undefined ? search.root : undefined;

function compileField({ field, occursMoreThan = 0, ...tests }: FieldCondition, names: Set<string>): Find {
  const steps = parsePath(field);
  if (steps === undefined) throw new TypeError(`${field} is no path of a field`);
  if (steps[0]?.kind === 'deep') names.add(steps[0].name);
  if (tests.is === 'absent') {
    const find = (search: Search): Place | undefined => search.first(steps, isPresent);
    return (search) => (find(search) === undefined ? search.missing(isPlain(steps) ? steps : []) : undefined);
  }
  const passes = withOtherFields(createTests(tests), tests.aboveField);
  if (occursMoreThan === 0) return (search) => search.first(steps, passes(search));
  return (search) => {
    let left = occursMoreThan;
    const test = passes(search);
    return search.first(steps, (value, name) => test(value, name) && left-- <= 0);
  };
}

const isPresent: ValueTest = () => true;

/** Adds the comparison with another field of the same body, which the value alone cannot tell. */
function withOtherFields(test: ValueTest, aboveField: string | undefined): (search: Search) => ValueTest {
  if (aboveField === undefined) return () => test;
  const steps = parsePath(aboveField);
  if (steps === undefined) throw new TypeError(`${aboveField} is no path of a field`);
  return (search) => {
    const other = otherNumber(search, steps);
    if (other === undefined) return () => false;
    const isAbove = createTests({ above: other });
    return (value, name) => test(value, name) && isAbove(value, name);
  };
}

function otherNumber(search: Search, steps: readonly Step[]): number | undefined {
  const value = search.first(steps, isPresent)?.value;
  const number = value === undefined ? undefined : numberFrom(value);
  return number === undefined || Number.isNaN(number) ? undefined : number;
}
