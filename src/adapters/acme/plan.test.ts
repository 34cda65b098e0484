import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterFailure,
  afterOrder,
  afterSuccess,
  MAX_ORDERS_AN_HOUR,
  NO_ATTEMPTS,
  orderAtMs,
  renewalAtMs,
  type Attempts,
} from './plan.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const quiet = { isRateLimited: false, retryAfterMs: undefined };

test('a certificate is renewed after two thirds of its life, spread over a twentieth', () => {
  const life = { notBeforeMs: 0, notAfterMs: 90 * DAY };
  assert.equal(renewalAtMs(life, undefined, 0), 60 * DAY);
  assert.ok(renewalAtMs(life, undefined, 0.999) < 65 * DAY);
  assert.ok(renewalAtMs(life, undefined, 0.5) > 62 * DAY);
});

test('the window of the CA counts more than the life', () => {
  const life = { notBeforeMs: 0, notAfterMs: 90 * DAY };
  const window = { startMs: 10 * DAY, endMs: 12 * DAY };
  assert.equal(renewalAtMs(life, window, 0), 10 * DAY);
  assert.equal(renewalAtMs(life, window, 0.5), 11 * DAY);
});

test('after failures it waits a minute, doubled with each, up to a day', () => {
  let attempts: Attempts = NO_ATTEMPTS;
  const waits = [];
  for (let i = 0; i < 14; i++) {
    attempts = afterFailure(attempts, quiet, 0, 0);
    waits.push(attempts.retryAtMs);
  }
  assert.deepEqual(waits.slice(0, 4), [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]);
  assert.equal(waits.at(-1), DAY);
  assert.equal(afterFailure(NO_ATTEMPTS, quiet, 0.999, 0).retryAtMs < 1.25 * MINUTE, true);
  assert.equal(afterSuccess(attempts).retryAtMs, 0);
});

test('what the CA asks for is waited, and a rate limit without a time an hour', () => {
  assert.equal(
    afterFailure(NO_ATTEMPTS, { isRateLimited: true, retryAfterMs: 5 * HOUR }, 0, 7).retryAtMs,
    7 + 5 * HOUR,
  );
  assert.equal(afterFailure(NO_ATTEMPTS, { isRateLimited: false, retryAfterMs: 1 }, 0, 0).retryAtMs, MINUTE);
  assert.equal(afterFailure(NO_ATTEMPTS, { isRateLimited: true, retryAfterMs: undefined }, 0, 0).retryAtMs, HOUR);
});

test('there are only so many orders an hour, and the next one an hour after the first of them', () => {
  let attempts: Attempts = NO_ATTEMPTS;
  for (let i = 0; i < MAX_ORDERS_AN_HOUR; i++) {
    assert.equal(orderAtMs(attempts, i * MINUTE), i * MINUTE);
    attempts = afterOrder(attempts, i * MINUTE);
  }
  assert.equal(orderAtMs(attempts, 10 * MINUTE), HOUR);
  assert.equal(orderAtMs(attempts, HOUR - 1), HOUR);
  assert.equal(orderAtMs(attempts, HOUR), HOUR);
});

test('a clock that was set back does not stop orders for longer than the plan ever does', () => {
  const attempts = { failures: 1, retryAtMs: 5_000 * DAY, ordersAtMs: Array.from({ length: 9 }, () => 5_000 * DAY) };
  assert.ok(orderAtMs(attempts, 0) <= 8 * DAY);
});
