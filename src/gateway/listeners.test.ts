import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pipeline } from '../kernel/stage.ts';
import { publicPipelineOf, type Pipelines } from './listeners.ts';

const names = ['inference', 'models', 'usage', 'realtime', 'wellKnown', 'oauth', 'preflight'] as const;
const pipelines = Object.fromEntries(names.map((name) => [name, { name }])) as unknown as Pipelines;
const takes = (path: string, isOAuthOn = true): string =>
  (publicPipelineOf(pipelines, path, isOAuthOn) as Pipeline & { name: string }).name;

for (const path of [
  '/oauth/token',
  '/oauth/device_authorization',
  '/oauth/authorize',
  '/oauth/authorize/Uid_-1',
  '/oauth/interaction/Uid_-1',
  '/oauth/interaction/Uid_-1/Tag_-1',
  '/device',
  '/device/Uid_-1',
  '/account',
  '/account/sign-in',
  '/.well-known/openid-configuration',
])
  test(`${path} is answered by the authorization server, while it is on`, () => {
    assert.equal(takes(path), 'oauth');
    assert.notEqual(takes(path, false), 'oauth');
  });

for (const path of [
  '/DEVICE',
  '/Device',
  '/device/',
  '/oauth/token/',
  '/oauth/TOKEN',
  '/Oauth/token',
  '/oauth/authorize/',
  '/account/',
  '/ACCOUNT/sign-in',
  '/account/sign-in/',
  '/account/a/b',
])
  test(`${path} is another spelling, which limits by path would miss, and no page or endpoint`, () =>
    assert.notEqual(takes(path), 'oauth'));
