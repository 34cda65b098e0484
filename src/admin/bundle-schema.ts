import * as z from 'zod';
import type { Bundle } from '../directory/records.ts';
import { anyModels, anyScopes, fields } from './api-key-schema.ts';
import { limitFields, limitsFrom, limitsShown, showLimits } from './limit-schema.ts';

/** What a role or group gives. */
export const bundleFields = {
  scopes: anyScopes.optional().describe('What its holders may do.'),
  models: anyModels.optional().describe('Models that they may use; `*` are all that their tenant may use.'),
  grants: fields.grants.optional(),
  // Of each holder that has no number of its own.
  ...limitFields,
};

/** The same as the admin API shows it. */
export const bundleShown = {
  scopes: z.array(z.string()),
  models: z.array(z.string()),
  grants: z.array(z.string()),
  ...limitsShown,
};

const bundleWish = z.strictObject(bundleFields);

/** Shows what a bundle gives. */
export const showBundle = ({ scopes: own, models, grants, limits }: Bundle) => ({
  scopes: [...own],
  models: [...models],
  grants: [...grants],
  ...showLimits(limits),
});

/** A bundle with what was given changed. */
export const bundleFrom = (given: z.output<typeof bundleWish>, before?: Bundle): Bundle => ({
  scopes: given.scopes ?? before?.scopes ?? [],
  models: given.models ?? before?.models ?? [],
  grants: given.grants ?? before?.grants ?? [],
  limits: limitsFrom(given, before?.limits),
});
