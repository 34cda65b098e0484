import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reserveOf } from './reserve.ts';

for (const { limit, percent, tenants, kept } of [
  { limit: 'none', percent: 25, tenants: 9, kept: 0 },
  { limit: 1, percent: 50, tenants: 9, kept: 0 },
  { limit: 2, percent: 25, tenants: 2, kept: 1 },
  { limit: 8, percent: 25, tenants: 1, kept: 0 },
  { limit: 8, percent: 25, tenants: 2, kept: 2 },
  { limit: 9, percent: 25, tenants: 2, kept: 3 },
  { limit: 256, percent: 12, tenants: 100, kept: 31 },
  { limit: 256, percent: 0, tenants: 100, kept: 0 },
] as const) {
  test(`of ${limit} places ${kept} are kept at ${percent} percent while ${tenants} tenants ask`, () => {
    assert.equal(reserveOf(limit, percent, tenants), kept);
  });
}
