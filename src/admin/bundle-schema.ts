import * as z from 'zod';
import type { Bundle } from '../directory/records.ts';
import { anyModels, anyScopes, fields, limitsFrom } from './api-key-schema.ts';

/** What a role or group gives. */
export const bundleFields = {
  scopes: anyScopes.optional().describe('What its holders may do.'),
  models: anyModels.optional().describe('Models that they may use; `*` are all that their tenant may use.'),
  grants: fields.grants.optional(),
  rpm: fields.rpm.optional().describe('Requests per minute of each holder that has no number of its own; null: none.'),
  concurrency: fields.concurrency.optional().describe('Requests at once, likewise.'),
};

/** The same as the admin API shows it. */
export const bundleShown = {
  scopes: z.array(z.string()),
  models: z.array(z.string()),
  grants: z.array(z.string()),
  rpm: z.union([z.int(), z.literal('none')]).nullable(),
  concurrency: z.union([z.int(), z.literal('none')]).nullable(),
};

const bundleWish = z.strictObject(bundleFields);

/** Shows what a bundle gives. */
export const showBundle = ({ scopes: own, models, grants, limits }: Bundle) => ({
  scopes: [...own],
  models: [...models],
  grants: [...grants],
  rpm: limits.requestsPerMinute ?? null,
  concurrency: limits.concurrency ?? null,
});

/** A bundle with what was given changed. */
export const bundleFrom = (given: z.output<typeof bundleWish>, before?: Bundle): Bundle => ({
  scopes: given.scopes ?? before?.scopes ?? [],
  models: given.models ?? before?.models ?? [],
  grants: given.grants ?? before?.grants ?? [],
  limits: limitsFrom(given, before?.limits),
});
