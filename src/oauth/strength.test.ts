import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsSecondFactor } from './strength.ts';

for (const { require, scope, needs } of [
  { require: 'none', scope: 'admin:write', needs: false },
  { require: 'admins', scope: 'inference:chat', needs: false },
  { require: 'admins', scope: 'metrics:read', needs: false },
  { require: 'admins', scope: 'admin:read', needs: true },
  { require: 'admins', scope: 'admin:write', needs: true },
  { require: 'admins', scope: 'audit:read', needs: true },
  { require: 'all', scope: 'inference:chat', needs: true },
] as const) {
  test(`requireSecondFactor ${require}: ${scope} ${needs ? 'needs one' : 'needs none'}`, () => {
    assert.equal(needsSecondFactor(scope, require), needs);
  });
}
