import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck, rowsOf } from './body.ts';
import { checkOf } from './object.ts';
import { GRANTS, type BodyKind, type Check, type MemberRow, type Members } from './field.ts';
import { fieldFamilies } from './index.ts';
import { Refusal } from './refusal.ts';
import { sameJson } from './same-json.ts';
import { caller, context } from './testing.fixture.ts';

/** First and last release that has a field, and its defaults besides null. */
type Known = readonly [since: string, until: string, defaults?: readonly JsonValue[]];
const { about: _, ...dumped } = JSON.parse(
  readFileSync(new URL('../../../test/data/vllm-fields.json', import.meta.url), 'utf8'),
) as { readonly [kind: string]: { readonly [path: string]: Known } };

const open = Object.keys(dumped) as BodyKind[];

test('the dumps hold every kind of body', () => {
  const all = Object.values(dumped).flatMap((paths) => Object.keys(paths));
  assert.equal(Object.keys(dumped).length, 16);
  assert.ok(all.length > 1_900, `${all.length} fields`);
});

/** What judges a member of an object, list or form, or `opaque` where nobody looks at members by name. */
function membersOf(check: Check): readonly Members[] | 'opaque' {
  const { rows, forms, item } = check;
  if (rows !== undefined || forms !== undefined) return [...(rows === undefined ? [] : [rows]), ...(forms ?? [])];
  return item === undefined ? 'opaque' : membersOf(item);
}

/** Where the path leads: rows of that name, or `closed` and `opaque` on the way. */
function find(rows: readonly Members[], [name = '', ...rest]: readonly string[]): MemberRow | 'closed' | undefined {
  const found = rows.flatMap((members) => (Object.hasOwn(members, name) ? [members[name]] : []));
  const row = found.find((one) => one?.policy === 'pass') ?? found[0];
  if (row === undefined || rest.length === 0) return row;
  if (row.policy !== 'pass' && (row.policy !== 'deny' || row.type === undefined)) return 'closed';
  const inside = membersOf(row.policy === 'pass' ? row.type : (row.type ?? checkOf(row)));
  return inside === 'opaque' ? 'closed' : find(inside, rest);
}

for (const kind of open) {
  const rows = Object.fromEntries(rowsOf(kind));
  const paths = Object.entries(dumped[kind] ?? {});

  test(`every field that a release knows on ${kind}, at any depth, has a row`, (t) => {
    const missing = paths
      .map(([path]) => path)
      .filter((path) => path !== 'model' && !Object.hasOwn(rows, path))
      .filter((path) => find([rows], path.replaceAll('[]', '').split('.')) === undefined);
    t.diagnostic(`${paths.length} fields of ${kind}`);
    assert.deepEqual(missing, []);
  });

  test(`a closed field on ${kind} accepts its default, and that is one of a release`, () => {
    // Of these the schemas say null or nothing, and this is what it means.
    const implied: JsonObject = { bad_words: [], stop_token_ids: [], best_of: 1 };
    for (const [name, [, , defaults = []]] of paths) {
      const row = rows[name];
      if (row?.policy !== 'deny') continue;
      const { vllmDefault } = row;
      if (vllmDefault === undefined) {
        assert.deepEqual(defaults, [], name);
        continue;
      }
      const checked = checkOf(row)(vllmDefault, context());
      assert.equal(checked, undefined, name);
      const isImplied = vllmDefault === false || sameJson(implied[name] ?? null, vllmDefault);
      assert.ok(defaults.length === 0 ? isImplied : defaults.some((value) => sameJson(value, vllmDefault)), name);
    }
  });

  const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower' });
  test(`any other name on ${kind} is unknown_field`, () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        if (Object.hasOwn(rows, name) || name === 'model' || value === null) return;
        const refusal = check(Object.fromEntries([[name, value]]) as JsonObject, 10, caller());
        assert.equal(refusal instanceof Refusal && refusal.code, 'unknown_field');
      }),
    );
  });

  test(`names of an object prototype are unknown_field on ${kind}`, () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const body = JSON.parse(`{${JSON.stringify(name)}:1}`) as JsonObject; // what was written is an object
      const refusal = check(body, 10, caller());
      assert.equal(refusal instanceof Refusal && refusal.code, 'unknown_field');
    }
  });
}

test('no field has two rows for one kind of body', () => {
  const seen = new Set<string>();
  for (const family of fieldFamilies) {
    for (const [name, row] of Object.entries(family)) {
      for (const kind of row.on) {
        assert.ok(!seen.has(`${kind} ${name}`), `${kind} ${name}`);
        seen.add(`${kind} ${name}`);
      }
    }
  }
});

/** Every row of the families and of what lies inside them. */
function* everyRow(members: Members, seen = new Set<Members>()): Generator<[string, MemberRow]> {
  if (seen.has(members)) return;
  seen.add(members);
  for (const [name, row] of Object.entries(members)) {
    yield [name, row];
    const type = row.policy === 'pass' || row.policy === 'deny' ? row.type : undefined;
    const inside = type === undefined ? 'opaque' : membersOf(type);
    if (inside !== 'opaque') for (const one of inside) yield* everyRow(one, seen);
  }
}

test('every row that is not passed on says why in a sentence', () => {
  for (const family of fieldFamilies) {
    for (const [name, row] of everyRow(family)) {
      if (row.policy !== 'pass') assert.match(row.why, /^([A-Z]|vLLM ).*\.$/, name);
    }
  }
});

test('a grant always has the check of what it opens', () => {
  for (const family of fieldFamilies) {
    for (const [name, row] of everyRow(family)) {
      if (row.policy === 'deny') assert.equal(row.grant === undefined, row.type === undefined, name);
    }
  }
});

test('every grant opens a field or a kind of part', () => {
  const sources = globSync('*.ts', { cwd: import.meta.dirname }).filter(
    (path) => !/test|fixture|^field\.ts$/.test(path),
  );
  const text = sources.map((path) => readFileSync(join(import.meta.dirname, path), 'utf8')).join('\n');
  assert.deepEqual(
    GRANTS.filter((grant) => !text.includes(`'${grant}'`)),
    [],
  );
});
