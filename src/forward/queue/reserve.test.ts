import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reserveOf } from './reserve.ts';

for (const { limit, tenants, kept } of [
  { limit: 'none', tenants: 9, kept: 0 },
  { limit: 1, tenants: 9, kept: 0 },
  { limit: 2, tenants: 2, kept: 1 },
  { limit: 8, tenants: 1, kept: 0 },
  { limit: 8, tenants: 2, kept: 1 },
  { limit: 9, tenants: 2, kept: 2 },
  { limit: 256, tenants: 100, kept: 32 },
] as const) {
  test(`of ${limit} places ${kept} are kept while ${tenants} tenants ask`, () => {
    assert.equal(reserveOf(limit, tenants), kept);
  });
}
