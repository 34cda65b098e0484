import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageFrom } from './page.ts';
import { isDenial } from './precondition.ts';

test('pages of any size hold every record once, in the order of creation and id', () => {
  const records = fc.uniqueArray(
    fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), createdAtMs: fc.integer({ min: 0, max: 3 }) }),
    { selector: ({ id }) => id },
  );
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 5 }), (all, limit) => {
      const find = (id: string) => all.find((one) => one.id === id);
      const seen: string[] = [];
      for (let after: string | undefined; ;) {
        const page = pageFrom(all, { limit, after }, find);
        assert.ok(!isDenial(page) && page.items.length <= limit);
        seen.push(...page.items.map(({ id }) => id));
        if (page.next === null) break;
        after = page.next;
      }
      const sorted = [...all].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
      assert.deepEqual(
        seen,
        sorted.map(({ id }) => id),
      );
    }),
  );
});
