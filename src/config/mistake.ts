/** One thing wrong in the configuration. Holds no secret: what looks like one, or came from elsewhere, is not shown. */
export interface Mistake {
  /** Where: `upstreams[0].url`, or file, line and column of broken YAML. */
  readonly path: string;
  /** What stands there, short and escaped; a type in place of a secret. */
  readonly found: string;
  /** What to do about it. */
  readonly hint: string;
  /** Who said it: file and line, environment variable, or command line. Undefined for a default. */
  readonly from?: string;
}

/** Keys and list positions from the root to a value. */
export type Path = readonly (string | number)[];

/** A mistake before it is said who made it. */
export interface Fault {
  readonly path: Path;
  readonly found: string;
  readonly hint: string;
}

/** Writes a path as people do: `upstreams[0].url`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z_][\w-]{0,63}$/.test(step)) text += `[${quoted(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Writes mistakes for a person: one block each, in the order given, with their number first. */
export function renderMistakes(mistakes: readonly Mistake[]): string {
  const blocks = mistakes.map(
    ({ path, found, hint, from }) =>
      `  ${plain(path)}: ${plain(found)}${from === undefined ? '' : ` (${plain(from)})`}\n    ${plain(hint)}\n`,
  );
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
  return `The configuration has ${count}:\n${blocks.join('')}`;
}

/**
 * Tells whether a key's value, or all below it, is a secret by its name: headers let somebody in. A name that ends in `File`
 * names a path, which is none.
 */
export function isSecretName(name: string): boolean {
  return /(api[-_]?key|secret|password|passphrase|token|credential|hook|webhook[-_]?url|routing[-_]?key)$|^headers$/i.test(
    name,
  );
}

/** Options that name where a secret is: one that is wrong may well hold the secret itself. */
const MAY_HOLD_SECRET: ReadonlySet<string> = new Set(['rootKey']);

/**
 * Says what stands at a path without giving a secret away.
 *
 * @param isHidden true where the value came from the environment's own secrets or from a file
 */
export function shown(value: unknown, path: Path, isHidden: boolean): string {
  if (value === undefined) return 'not set';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  // `https://user:password@host` is refused wherever it stands, and must not be repeated either.
  const hides =
    isHidden ||
    path.some((step) => typeof step === 'string' && (isSecretName(step) || MAY_HOLD_SECRET.has(step))) ||
    (typeof value === 'string' && value.includes('@'));
  return hides ? `a ${typeof value === 'string' ? 'text' : typeof value} that is not shown here` : quoted(value);
}

function quoted(value: unknown): string {
  const text = plain(JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 76)}…"` : text;
}

/** Without what a terminal or log would act on. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}
