import * as z from 'zod';
import { KeyringConflict, type KeyringStatus } from '../kernel/keyring-control.ts';
import { flag } from '../kernel/option.ts';
import { readRootKeySource, ROOT_KEY_HINT } from '../kernel/root-key-source.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const dataKey = z.strictObject({
  id: z.string(),
  tenant: z.string().nullable().describe('Null: of all tenants together.'),
  purpose: z.string(),
  createdAt: z.iso.datetime(),
  current: z.boolean().describe('It seals what is new; the others only open what they have sealed.'),
  open: z.boolean().describe('The root key opens it.'),
});

/** How it stands with encryption at rest. */
export const keyringShown = z.strictObject({
  source: z.string().describe('Where the root key in use comes from, in the form of keyring.rootKey.'),
  configured: z.string().describe('What keyring.rootKey says; differs after a rotation to another source.'),
  rootKeyId: z.string().nullable().describe('A short hash of the root key; null while nothing is encrypted.'),
  allOpen: z.boolean(),
  problem: z.string().nullable().describe('What the next start would be refused with.'),
  dataKeys: z.array(dataKey),
});

/** The keyring as the admin API shows it. */
export type KeyringShown = z.output<typeof keyringShown>;

const KEY = 'Give 32 bytes in base64.';
const SOURCE = `${ROOT_KEY_HINT} Without a key beside it: auto.`;

const rotation = z.strictObject({
  dataKeys: flag().optional().describe('Makes new data keys, too; those before still open.'),
  newRoot: z
    .strictObject({
      source: z
        .string({ error: SOURCE })
        .max(1024, { error: SOURCE })
        .refine((text) => readRootKeySource(text) !== undefined, { error: SOURCE }),
      key: z
        .string({ error: KEY })
        .regex(/^[A-Za-z0-9+/]{43}=$/, { error: KEY })
        .optional(),
      kdf: z
        .strictObject({ salt: z.string().max(128), memoryKiB: z.int(), passes: z.int(), lanes: z.int() })
        .optional(),
    })
    .optional()
    .describe('The new root key and where it lies. Only by the Unix socket: it is a secret of the machine.'),
});

const example: KeyringShown = {
  source: 'auto',
  configured: 'auto',
  rootKeyId: 'Zk3mUuQy8sE',
  allOpen: true,
  problem: null,
  dataKeys: [
    {
      id: 'q0J4x1mVbD3t',
      tenant: null,
      purpose: 'signing-key',
      createdAt: '2030-01-01T00:00:00.000Z',
      current: true,
      open: true,
    },
  ],
};

/** Encryption at rest. */
export const keyring: Resource = {
  name: 'keyring',
  schemas: { Keyring: keyringShown, KeyringRotation: rotation },
  operations: (deps) => [
    operation({
      id: 'getKeyring',
      method: 'GET',
      path: '/keyring',
      scope: 'admin:read',
      summary: 'Show where the root key comes from, and every data key with whether it opens. No key itself.',
      status: 200,
      response: keyringShown,
      example,
      handle: async () => ({ value: show(await deps.keyring.status()) }),
    }),
    operation({
      id: 'rotateKeyring',
      method: 'POST',
      path: '/keyring/rotate',
      scope: 'admin:write',
      summary: 'Wrap every data key with a new root key, all at once and while it is used.',
      status: 200,
      body: rotation,
      response: keyringShown,
      example,
      async handle({ body: { newRoot, dataKeys }, actor }) {
        // Who administers from afar could have all wrapped by a key of their own, and read a stolen database with it.
        if (newRoot !== undefined && actor.kind !== 'socket') {
          const message = 'A new root key is given on the machine itself: sallyport keyring rotate --new-root SOURCE.';
          return deny('invalid_field', { param: 'newRoot', message });
        }
        if (newRoot !== undefined && (newRoot.source === 'auto') !== (newRoot.key === undefined)) {
          return deny('invalid_field', { param: 'newRoot.key', message: KEY });
        }
        const { source = 'auto', key, kdf } = newRoot ?? {};
        // Without its salt a passphrase would never give this key again.
        if ((readRootKeySource(source)?.kind === 'passphrase') !== (kdf !== undefined)) {
          return deny('invalid_field', {
            param: 'newRoot.kdf',
            message: 'Give this with a passphrase, and only then.',
          });
        }
        const given = key === undefined ? ('auto' as const) : { source, bytes: Buffer.from(key, 'base64'), kdf };
        const root = newRoot === undefined ? undefined : given;
        const status = await conflictOr(deps.keyring.rotate({ root, isFresh: dataKeys === true }));
        if ('code' in status) return status;
        deps.logChange(actor, 'keyring.rotate', status.rootId ?? '');
        return { value: show(status) };
      },
    }),
  ],
};

async function conflictOr(rotated: Promise<KeyringStatus>): Promise<KeyringStatus | Denial> {
  try {
    return await rotated;
  } catch (error) {
    if (error instanceof KeyringConflict) return deny('conflict', { message: error.message });
    throw error;
  }
}

function show({ source, configured, rootId, dataKeys, problem }: KeyringStatus): KeyringShown {
  return {
    source,
    configured,
    rootKeyId: rootId ?? null,
    allOpen: dataKeys.every(({ isOpen }) => isOpen),
    problem: problem ?? null,
    dataKeys: dataKeys.map(({ id, tenant, purpose, createdAtMs, isCurrent, isOpen }) => ({
      id,
      tenant: tenant === '' ? null : tenant,
      purpose,
      createdAt: new Date(createdAtMs).toISOString(),
      current: isCurrent,
      open: isOpen,
    })),
  };
}
