import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Digest } from '../digest.ts';

/** Ties forms and ways to one browser. Bound to the host (RFC 6265bis §4.1.3.2), so no sibling domain can set it. */
const NAME = '__Host-sallyport-form';

/** How cookies of the pages are set. */
export const COOKIE = {
  signed: true,
  httpOnly: true,
  secure: true,
  sameSite: 'lax',
  path: '/',
  overwrite: true,
} as const;

const BYTES = 18;

/** The unguessable name of a browser, which it gets where it has none. */
export function browserOf(ctx: KoaContextWithOIDC, randomBytes: (count: number) => Uint8Array): string {
  const known = ctx.cookies.get(NAME, { signed: true });
  if (known !== undefined) return known;
  const made = Buffer.from(randomBytes(BYTES)).toString('base64url');
  ctx.cookies.set(NAME, made, COOKIE);
  return made;
}

/** What stands in the address of a way through the pages: it can be gone on with in the browser alone in which it began. */
export const browserTag = (digest: Digest, uid: string, browser: string): string =>
  digest('Browser', `${uid} ${browser}`);
