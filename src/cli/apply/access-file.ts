import { parseDocument, type Document } from 'yaml';
import * as z from 'zod';
import { apiKeyWish } from '../../admin/api-key-schema.ts';
import { tenantWish } from '../../admin/tenants.ts';
import { DEFAULT_SCOPES } from '../../directory/issue.ts';
import { CAP_NAMES } from '../../vllm/fields/caps.ts';
import { NOT_IN_THIS_VERSION } from '../../kernel/option.ts';
import { UsageError } from '../command.ts';

const words = z.array(z.string(), { error: 'Give a list of texts.' });
const limit = z.union([z.int(), z.literal('none')], { error: 'Give a whole number, or none.' });
const state = z.enum(['active', 'disabled', 'revoked'], { error: 'Give active, disabled or revoked.' });

const tenantEntry = z.strictObject({
  name: z.string(),
  models: words.optional(),
  state: z.enum(['active', 'disabled'], { error: 'Give active or disabled.' }).optional(),
});

/** Names of the flags of `keys create`; what is left out is as it would be without the flag. */
const keyEntry = z.strictObject({
  name: z.string(),
  tenant: z.string().optional(),
  scopes: words.optional(),
  models: words.optional(),
  rpm: limit.optional(),
  concurrency: limit.optional(),
  expires: z.string().optional(),
  allowIp: words.optional(),
  grant: words.optional(),
  cap: z.partialRecord(z.enum(CAP_NAMES as readonly [string, ...string[]]), z.int()).optional(),
  onBehalfOf: z.string().optional(),
  state: state.optional(),
});

const none = z.array(z.never({ error: `This is ${NOT_IN_THIS_VERSION}: leave it out.` })).optional();

const accessFile = z.strictObject({
  tenants: z.array(tenantEntry, { error: 'Give a list of tenants.' }).optional(),
  keys: z.array(keyEntry, { error: 'Give a list of keys.' }).optional(),
  groups: none,
  clients: none,
});

/** The fields of an entry with the defaults of `keys create`, as the admin API takes them. */
export function wishOf(entry: KeyEntry): Record<string, unknown> {
  return {
    scopes: entry.scopes?.flatMap((word) => word.split(',')) ?? DEFAULT_SCOPES,
    models: entry.models ?? ['*'],
    rpm: entry.rpm ?? null,
    concurrency: entry.concurrency ?? null,
    expires: entry.expires ?? null,
    allowIp: entry.allowIp ?? [],
    grants: entry.grant ?? [],
    caps: entry.cap ?? {},
    onBehalfOf: entry.onBehalfOf ?? null,
  };
}

/** What the admin API would refuse, found before anything is changed. */
function mistakesOf({ tenants = [], keys = [] }: AccessFile): string[] {
  const of = (list: string, index: number, { error }: { readonly error?: z.ZodError | undefined }): string[] =>
    (error?.issues ?? []).map(({ path, message }) => `${[list, index, ...path].map(String).join('.')}: ${message}`);
  return [
    ...tenants.flatMap(({ name, models = ['*'] }, i) => of('tenants', i, tenantWish.safeParse({ name, models }))),
    ...keys.flatMap((entry, i) => of('keys', i, apiKeyWish.safeParse({ name: entry.name, ...wishOf(entry) }))),
  ];
}

/** What an access file wants to be. */
export type AccessFile = z.output<typeof accessFile>;
/** A key of it. */
export type KeyEntry = z.output<typeof keyEntry>;

/**
 * Reads an access file.
 *
 * @throws UsageError with every mistake, each by its path, never with what stood there
 */
export function parseAccessFile(text: string): AccessFile {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw new UsageError(`This is no YAML: ${fault.message.split('\n')[0] ?? ''}`);
  const read = accessFile.safeParse(valueOf(document) ?? {});
  if (!read.success) {
    throw new UsageError(
      read.error.issues
        .map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`)
        .join('\n'),
    );
  }
  const mistakes = mistakesOf(read.data);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  const twice = duplicateOf(read.data);
  if (twice !== undefined) throw new UsageError(`${twice} stands there twice: which of the two is meant?`);
  return read.data;
}

/** The content with its aliases followed: to unknown anchors, or to so many that they grow out of bounds, the library throws. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS();
  } catch {
    throw new UsageError('This is no YAML: an alias has no anchor, or there are too many. Write out what is meant.');
  }
}

function duplicateOf({ tenants = [], keys = [] }: AccessFile): string | undefined {
  const seen = new Set<string>();
  const names = [
    ...tenants.map(({ name }) => `the tenant ${name}`),
    ...keys.map(({ name, tenant = 'default' }) => `the key ${name} of the tenant ${tenant}`),
  ];
  return names.find((name) => seen.size === seen.add(name).size);
}
