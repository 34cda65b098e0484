import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import type { LifecycleRecord } from '../kernel/record.ts';
import { createAdvisoryLog } from './advisory-log.ts';

const configOf = (overrides: Record<string, unknown>) => {
  const loaded = loadConfig({ env: {}, overrides });
  assert.ok(loaded.ok);
  return loaded.config;
};

function setUp() {
  const noted: LifecycleRecord[] = [];
  const log = createAdvisoryLog(
    () => 7,
    (record) => void noted.push(record),
  );
  const told = () =>
    noted.splice(0).map(({ activity, detail }) => {
      const { upstream, version, activated, deactivated } = detail as Record<string, string | string[]>;
      return [activity, upstream, version, (activated?.length ?? 0) > 0, (deactivated?.length ?? 0) > 0];
    });
  return { log, told };
}
const config = configOf({ upstreams: [{ name: 'main' }, { name: 'fixed', vllmVersion: '0.11.0' }] });
const running = (version: string | undefined) => [
  { models: undefined, version },
  { models: undefined, version: undefined },
];

test('the patches that are on are recorded of each upstream once, and again only where they change', () => {
  const { log, told } = setUp();
  log.look(config, running(undefined));
  assert.deepEqual(told(), [
    ['advisory', 'main', 'unknown', true, false],
    ['advisory', 'fixed', '0.11.0', true, false],
  ]);
  log.look(config, running(undefined));
  assert.deepEqual(told(), []);
  log.look(config, running('0.32.0'));
  assert.deepEqual(told(), [['advisory', 'main', '0.32.0', false, true]]);
  log.look(config, running('0.9.2'));
  assert.deepEqual(told(), [['advisory', 'main', '0.9.2', true, false]]);
});

test('an upstream that is new in the configuration is recorded', () => {
  const { log, told } = setUp();
  log.look(configOf({ upstreams: [{ name: 'main' }] }), running('0.32.0'));
  told();
  log.look(config, running('0.32.0'));
  assert.deepEqual(
    told().map(([, upstream]) => upstream),
    ['fixed'],
  );
});
