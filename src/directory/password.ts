import { argon2, timingSafeEqual } from 'node:crypto';

/** Characters that a password needs at least, and may have at most (NIST SP 800-63B §3.1.1.2). */
export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;

/** Hashes and checks passwords with argon2id (RFC 9106), a few at a time. */
export interface PasswordHasher {
  /** The PHC string of a password. @throws HashingBusy */
  hash(password: string): Promise<string>;
  /**
   * Whether a password belongs to a PHC string. Without one it takes as long and says no, so that nobody learns from the
   * time which names exist.
   *
   * @throws HashingBusy
   */
  verify(password: string, phc: string | undefined): Promise<boolean>;
}

/** More passwords wait to be hashed than can be answered soon; 503. */
export class HashingBusy extends Error {
  readonly code = 'hashing_busy';
}

/** RFC 9106 in the sizes of the OWASP cheat sheet: 19 MiB, two passes, one lane. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
/** Of the four threads of libuv's pool, so that files, DNS and the store never wait for passwords. */
const AT_ONCE = 2;
/** Four seconds of work; whoever comes later is told so. */
const MAX_WAITING = 64;

/** @param randomBytes source of salts */
export function createPasswordHasher(randomBytes: (count: number) => Uint8Array): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function derive(password: string, salt: Uint8Array): Promise<Buffer> {
    if (running >= AT_ONCE) {
      if (waiting.length >= MAX_WAITING) throw new HashingBusy('too many passwords wait to be checked');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await tagOf(password, salt);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const { memory, passes, parallelism } = PARAMETERS;
      const tag = await derive(password, salt);
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${bare(salt)}$${bare(tag)}`;
    },
    async verify(password, phc) {
      const [, , , , salt, tag] = (phc ?? '').split('$');
      const expected = tag === undefined ? Buffer.alloc(TAG_BYTES) : Buffer.from(tag, 'base64');
      // A longer text is no password of ours: it is not worth its time.
      const text = password.length > PASSWORD_LENGTH.max ? '' : password;
      const found = await derive(text, salt === undefined ? Buffer.alloc(SALT_BYTES) : Buffer.from(salt, 'base64'));
      const isSame = found.length === expected.length && timingSafeEqual(found, expected);
      return isSame && tag !== undefined && text !== '';
    },
  };
}

function tagOf(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // NIST SP 800-63B §3.1.1.2: one text has one form, however a keyboard has composed it.
    const message = password.normalize('NFKC');
    argon2('argon2id', { ...PARAMETERS, message, nonce: salt, tagLength: TAG_BYTES }, (error, tag) =>
      error === null ? resolve(tag) : reject(error),
    );
  });
}

/** Base64 without padding, as PHC strings have it. */
const bare = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
