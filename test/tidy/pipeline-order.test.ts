import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './source-tree.ts';

const HEAD = `import { chain } from '../../src/kernel/stage.ts';
import type { Stages } from '../../src/gateway/pipeline.ts';
export const way = (s: Stages) => chain<'head'>()`;

/** Compiles each order in a file of its own; the compiler's verdict for each. */
function compile(orders: readonly string[]): boolean[] {
  const dir = mkdtempSync(join(ROOT, 'test', 'order-'));
  try {
    orders.forEach((order, i) => writeFileSync(join(dir, `order-${i}.ts`), `${HEAD}${order};\n`));
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }));
    const { stdout } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir], {
      encoding: 'utf8',
    });
    return orders.map((_, i) => !stdout.includes(`order-${i}.ts`));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('a wrong order of the stages does not compile', () => {
  const right =
    '.add(s.network).add(s.authenticate).add(s.rateLimit).add(s.route).add(s.validate).add(s.authorize).add(s.meter).add(s.tokenLimit).add(s.fetchMedia).add(s.sanitize).end(s.forward)';
  const wrong = [
    '.add(s.authenticate).add(s.network)', // authenticate counts failures per address
    '.add(s.network).add(s.rateLimit)', // limits nobody
    '.add(s.network).add(s.route)', // a scope of nobody
    '.add(s.network).add(s.authenticate).add(s.validate)', // a body for no route
    '.add(s.network).add(s.authenticate).add(s.authorize)', // a model that nobody has named
    right.replace('.add(s.authorize)', ''), // upstream without the model's grant
    right.replace('.add(s.rateLimit)', ''), // upstream without limits
    right.replace('.add(s.fetchMedia)', ''), // upstream without a body
    right
      .replace('.add(s.authorize).add(s.meter)', '.add(s.meter)')
      .replace('.add(s.fetchMedia)', '.add(s.fetchMedia).add(s.authorize)'), // whoever has no model
    right.replace('.add(s.tokenLimit)', ''), // upstream without tokens set aside
    right.replace('.add(s.meter).add(s.tokenLimit)', '.add(s.tokenLimit).add(s.meter)'), // nothing to settle with
    right.replace('.add(s.meter)', ''), // upstream without a count
  ];
  assert.deepEqual(compile([right, ...wrong]), [true, ...wrong.map(() => false)]);
});
