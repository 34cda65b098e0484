import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS, loadAllCommands } from '../../src/cli/index.ts';
import { systemdUnit, USUAL_PLACES } from '../../src/cli/systemd-unit.ts';
import { reasons } from '../../src/kernel/reasons.ts';
import { ROOT, sourceFiles } from './source-tree.ts';

const files = sourceFiles();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('every stage has its line in the pipeline', () => {
  const pipeline = read('src/gateway/pipeline.ts');
  const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const stages = globSync('src/stages/*', { cwd: ROOT }).map((path) => camel(basename(path)));
  assert.deepEqual(
    stages.filter((name) => !pipeline.includes(`s.${name}`)),
    [],
  );
});

test('every family of routes, fields and patches is in its list', () => {
  for (const kind of ['routes', 'fields', 'patches']) {
    const list = read(`src/vllm/${kind}/index.ts`);
    const families = files.filter(
      ({ path, text }) =>
        path.startsWith(`vllm/${kind}/`) && /satisfies (readonly RouteRow|FieldFamily|PatchFamily)/.test(text),
    );
    assert.ok(families.length > 2, kind);
    assert.deepEqual(
      families.filter(({ path }) => !list.includes(`./${basename(path)}`)).map(({ path }) => path),
      [],
    );
  }
});

test('every condition of policies is in its list', () => {
  const list = read('src/policies/conditions/index.ts');
  const conditions = files.filter(
    ({ path, text }) => path.startsWith('policies/conditions/') && /: ConditionKind<'/.test(text),
  );
  assert.ok(conditions.length > 2);
  assert.deepEqual(
    conditions.filter(({ path }) => !list.includes(`./${basename(path)}`)).map(({ path }) => path),
    [],
  );
});

test('the unit of deploy/ is the one that init writes for the usual places', () => {
  assert.equal(read('deploy/systemd/sallyport.service'), systemdUnit(USUAL_PLACES));
});

test('every command is in the list of commands, with a help that has an example', async () => {
  const list = read('src/cli/index.ts');
  const commands = files.filter(
    ({ path, text }) => path.startsWith('cli/') && /^export const \w+: Command = /m.test(text),
  );
  assert.deepEqual(
    commands.filter(({ path }) => !list.includes(`./${basename(path)}`)).map(({ path }) => path),
    [],
  );
  const loaded = await loadAllCommands();
  assert.deepEqual(
    loaded.map(({ name }) => name),
    Object.keys(COMMANDS),
  );
  for (const { name, help } of loaded) assert.match(help, /Example/, name);
});

test('every reason has a test that names it', () => {
  const tests = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: ROOT })
    .filter((path) => !path.startsWith('test/tidy/'))
    .map(read)
    .join('\n');
  assert.deepEqual(
    Object.keys(reasons).filter((code) => !tests.includes(`'${code}'`)),
    [],
  );
});

test('every reason is used, and its message says what to do in a line', () => {
  const sources = files
    .filter(({ path }) => path !== 'kernel/reasons.ts')
    .map(({ text }) => text)
    .join('\n');
  for (const [code, { message }] of Object.entries(reasons)) {
    assert.ok(sources.includes(`'${code}'`), `${code} is used nowhere`);
    assert.match(message, /^[A-Z][^\n]{20,200}\.$/, code);
  }
});

test('every runtime dependency has its reason in docs/dependencies.md', () => {
  const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const page = read('docs/dependencies.md');
  const names = [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {})];
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('no dependency of the lock file runs a script at install', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { hasInstallScript?: boolean }> };
  assert.deepEqual(
    Object.entries(lock.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([name]) => name),
    [],
  );
});

test('every export has a docstring', () => {
  const offending = files.flatMap(({ path, text }) =>
    [
      ...text.matchAll(
        /^(?<before>.*)\n(?<line>export (?:async )?(?:const|function|class|interface|type) (?<name>\w+))/gm,
      ),
    ]
      .filter((match) => !/\*\/\s*$/.test(match.groups?.['before'] ?? ''))
      .map((match) => `${path} ${match.groups?.['name']}`),
  );
  assert.deepEqual(offending, []);
});
