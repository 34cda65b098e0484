import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Secrets that a run has shown, each with what it is. */
export interface SeenSecrets {
  add(what: string, value: string | Uint8Array): void;
  /** Notes what an answer of the gateway holds of them: cookies, and members of a JSON body that are secrets. */
  addAnswer(answer: Response, body: unknown): void;
  readonly all: readonly { readonly what: string; readonly value: string | Uint8Array }[];
}

/** RFC 6749, 8628, 9126 and OIDC: members of answers that let their holder in. */
const SECRET_MEMBERS = new Set([
  'access_token',
  'refresh_token',
  'id_token',
  'code',
  'device_code',
  'user_code',
  'request_uri',
  'client_secret',
]);

/** Nothing seen yet. */
export function seenSecrets(): SeenSecrets {
  const all: { what: string; value: string | Uint8Array }[] = [];
  const add: SeenSecrets['add'] = (what, value) => {
    if (value.length < 8) throw new Error(`${what} is too short to be searched for`);
    all.push({ what, value });
  };
  return {
    all,
    add,
    addAnswer(answer, body) {
      for (const cookie of answer.headers.getSetCookie()) {
        const [name, value = ''] = cookie.split(';')[0]?.split('=') ?? [];
        if (value !== '') add(`cookie ${name}`, value);
      }
      for (const [name, value] of Object.entries(Object(body)))
        if (SECRET_MEMBERS.has(name) && typeof value === 'string') add(name, value);
    },
  };
}

/**
 * Where secrets stand in the clear in the files below a folder or in texts: as they are, their bytes where they are
 * base64url, in hexadecimal digits, or in base64 at any offset; as in an address; and either half of what is long enough
 * for a half to be unmistakable. Each place is named, the secret is not.
 *
 * @param except files, relative to the folder, that may hold them
 */
export function foundAtRest(
  { all }: Pick<SeenSecrets, 'all'>,
  folder: string,
  texts: Readonly<Record<string, string>> = {},
  except: readonly string[] = [],
): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .filter((file) => !except.includes(relative(folder, file)));
  const places = [
    ...files.map((file) => ({ place: relative(folder, file), bytes: readFileSync(file) })),
    ...Object.entries(texts).map(([place, text]) => ({ place, bytes: Buffer.from(text) })),
  ];
  return all.flatMap(({ what, value }) =>
    formsOf(value).flatMap(({ form, bytes }) =>
      places.filter((one) => one.bytes.includes(bytes)).map(({ place }) => `${what} in ${place}, ${form}`),
    ),
  );
}

function formsOf(value: string | Uint8Array): { form: string; bytes: Buffer }[] {
  const plain = Buffer.from(value);
  const decoded = typeof value === 'string' && /^[\w-]{22,}$/.test(value) ? Buffer.from(value, 'base64url') : undefined;
  return [
    { form: 'as it is', bytes: plain },
    ...halvesOf(plain).map((bytes) => ({ form: 'half of it', bytes })),
    ...addressFormsOf(value).map((text) => ({ form: 'as in an address', bytes: Buffer.from(text) })),
    ...(decoded === undefined ? [] : [{ form: 'decoded', bytes: decoded }]),
    ...[plain, ...(decoded === undefined ? [] : [decoded])].flatMap((bytes) => [
      { form: 'in hexadecimal', bytes: Buffer.from(bytes.toString('hex')) },
      { form: 'in hexadecimal', bytes: Buffer.from(bytes.toString('hex').toUpperCase()) },
      ...[0, 1, 2].map((offset) => ({ form: 'in base64', bytes: inBase64(bytes, offset) })),
      ...[0, 1, 2].map((offset) => ({ form: 'in base64url', bytes: urlSafe(inBase64(bytes, offset)) })),
    ]),
  ];
}

/** Bytes of a half that no chance brings about. */
const LEAST_HALF = 16;

function halvesOf(bytes: Buffer): Buffer[] {
  const middle = Math.floor(bytes.length / 2);
  return middle < LEAST_HALF ? [] : [bytes.subarray(0, middle), bytes.subarray(middle)];
}

/** As in a path or form, and with every byte written so, in either case. */
function addressFormsOf(value: string | Uint8Array): string[] {
  const bytes = Buffer.from(value);
  const all = bytes.toString('hex').replaceAll(/../g, '%$&');
  const usual =
    typeof value === 'string'
      ? [encodeURIComponent(value), new URLSearchParams({ '': value }).toString().slice(1)]
      : [];
  return [...usual.filter((text) => text !== value), all, all.toUpperCase()];
}

/** The letters of base64 that depend on these bytes alone, where `offset` others stand before them. */
function inBase64(bytes: Buffer, offset: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const isCut = (offset + bytes.length) % 3 !== 0;
  return Buffer.from(text.slice(offset === 0 ? 0 : offset + 1, isCut ? -1 : undefined));
}

const urlSafe = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replaceAll('+', '-').replaceAll('/', '_'));
