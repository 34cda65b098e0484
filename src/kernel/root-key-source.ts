/** Where a secret that is no file of ours comes from. */
export type SecretPlace =
  /** An absolute path. */
  | { readonly kind: 'file'; readonly file: string }
  /** A variable of the environment. */
  | { readonly kind: 'env'; readonly name: string }
  /** systemd.exec(5), `LoadCredential=`: a file of this name in `$CREDENTIALS_DIRECTORY`. */
  | { readonly kind: 'credential'; readonly name: string };

/** Where the root key comes from: `keyring.rootKey` read. */
export type RootKeySource =
  /** `keys/root.key` in the state directory, which makes it. */
  { readonly kind: 'auto' } | SecretPlace | { readonly kind: 'passphrase'; readonly place: SecretPlace };

/** What to give as a source, for whoever gave something else. */
export const ROOT_KEY_HINT =
  'Give auto, file:PATH, env:NAME, credential:NAME or passphrase:file:PATH (passphrase:env:NAME, passphrase:credential:NAME); never the key itself.';

/** Reads a source as it is written; undefined where it is none. */
export function readRootKeySource(text: string): RootKeySource | undefined {
  if (text === 'auto') return { kind: 'auto' };
  const inside = /^passphrase:(.*)$/s.exec(text)?.[1];
  if (inside === undefined) return placeOf(text);
  const place = placeOf(inside);
  return place === undefined ? undefined : { kind: 'passphrase', place };
}

function placeOf(text: string): SecretPlace | undefined {
  const { kind, rest = '' } = /^(?<kind>file|env|credential):(?<rest>.+)$/.exec(text)?.groups ?? {};
  if (kind === 'file') return { kind, file: rest };
  if (kind === 'env' && /^[A-Za-z_]\w{0,127}$/.test(rest)) return { kind, name: rest };
  // systemd's own rule; a slash or `..` would name a file elsewhere.
  if (kind === 'credential' && /^(?!\.\.?$)[\w.:@-]{1,255}$/.test(rest)) return { kind, name: rest };
  return undefined;
}

/** The place of the secret that a source names; undefined for `auto`. */
export function secretPlaceOf(source: RootKeySource): SecretPlace | undefined {
  if (source.kind === 'auto') return undefined;
  return source.kind === 'passphrase' ? source.place : source;
}

/** The file that a place is; undefined for a variable, and for a credential where systemd has given none. */
export function fileOfPlace(place: SecretPlace, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (place.kind === 'file') return place.file;
  const folder = env['CREDENTIALS_DIRECTORY'] ?? '';
  return place.kind === 'credential' && folder !== '' ? `${folder}/${place.name}` : undefined;
}
