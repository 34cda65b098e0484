import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import type { BodyKind } from './field.ts';
import type { Caps } from './caps.ts';
import { Refusal } from './refusal.ts';
import { caller, defaultCaps } from './testing.fixture.ts';

/** What a case changes of operator, caller and model. */
export interface Setting {
  readonly caps?: Partial<Caps>;
  readonly grants?: readonly string[];
  readonly loraPaths?: readonly string[];
  readonly contextTokens?: number;
}

/** One body: `fields` over the smallest one of its kind, and what is said of it. */
export interface BodyCase extends Setting {
  readonly name: string;
  readonly fields: JsonObject;
  /** `code path` of the refusal, or the members that are sent besides those of the smallest body. */
  readonly expected: string | JsonObject;
}

/** What the check of a kind says of a body: the request, or `code path` of the refusal. */
export function judge(kind: BodyKind, body: JsonObject, setting: Setting = {}): InferenceRequest | string {
  const { caps, grants = [], loraPaths = [], contextTokens } = setting;
  const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower', loraPaths });
  const who = caller({ caps: { ...defaultCaps, ...caps }, grants: new Set(grants) });
  const request = check(body, Buffer.byteLength(JSON.stringify(body)), who, () => ({ contextTokens, knowsSalt: true }));
  return request instanceof Refusal ? `${request.code} ${request.path}`.trimEnd() : request;
}

/** A test for each case. A member of `fields` that is null is left out of the body. */
export function testBodies(kind: BodyKind, smallest: JsonObject, cases: readonly BodyCase[]): void {
  for (const { name, fields, expected, ...setting } of cases) {
    const what = typeof expected === 'string' ? `is ${expected}` : 'is sent';
    test(`a ${kind} body ${name} ${what}`, () => {
      const request = judge(kind, { ...smallest, ...fields }, setting);
      if (typeof expected === 'string' || typeof request === 'string') return assert.equal(request, expected);
      const { cache_salt: _, ...sent } = request.body;
      const whole = Object.entries({ ...smallest, ...fields, ...expected }).filter(([, value]) => value !== null);
      assert.deepEqual(sent, Object.fromEntries(whole));
    });
  }
}
