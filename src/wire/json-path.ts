const PLAIN_NAME = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const MAX_NAME_CHARS = 64;

/**
 * Adds a member name to a JSON path: `messages[2]` and `content` make `messages[2].content`. A name that
 * is no plain word is quoted and escaped, and a long one shortened, so that a caller can put neither
 * control characters nor a whole text into an answer or a log by way of a field's name.
 */
export function memberPath(parent: string, name: string): string {
  if (name.length <= MAX_NAME_CHARS && PLAIN_NAME.test(name)) return parent === '' ? name : `${parent}.${name}`;
  // Only the start of the name decides what is shown; everything outside printable ASCII is escaped.
  const shown = name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}…` : name;
  return `${parent}[${JSON.stringify(shown).replace(/[^\x20-\x7e]/g, escapeUnit)}]`;
}

/** Adds an array index to a JSON path: `messages` and 2 make `messages[2]`. */
export function indexPath(parent: string, index: number): string {
  return `${parent}[${index}]`;
}

/** Puts a relative JSON path behind another one: `messages[2]` and `content[0]` make `messages[2].content[0]`. */
export function joinPath(parent: string, relative: string): string {
  if (parent === '' || relative === '') return parent + relative;
  return relative.startsWith('[') ? parent + relative : `${parent}.${relative}`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
