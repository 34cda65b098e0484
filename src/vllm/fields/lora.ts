import { bool } from './check.ts';
import type { Check, FieldFamily } from './field.ts';
import { newModelName } from './model-name.ts';
import { Refusal, invalid } from './refusal.ts';

const MAX_PATH_CHARS = 1024;
/** Printable ASCII without what a shell, a URL or another system's paths could mean something by. */
const PATH_CHARS = /^[A-Za-z0-9/._+@=,-]+$/;
/** What names another place than it seems to: empty, `.` and `..` segments. */
const DETOUR = /(^|\/)\.{0,2}(\/|$)/;

/** A path that is absolute and spelt in the one way that needs no resolving. Links in it nobody but the server can see. */
export function isPlainPath(path: string): boolean {
  return path.length <= MAX_PATH_CHARS && path.startsWith('/') && PATH_CHARS.test(path) && !DETOUR.test(path.slice(1));
}

/** A name of a hub, such as `org/adapter`. */
export function isHubName(name: string): boolean {
  return name.length <= MAX_PATH_CHARS && /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/.test(name);
}

/** Whether an adapter may be loaded from there: what is listed itself, and below a listed path. */
function isListed(path: string, listed: readonly string[]): boolean {
  if (listed.includes(path)) return true;
  return isPlainPath(path) && listed.some((one) => one.startsWith('/') && path.startsWith(`${one}/`));
}

const pathCheck: Check = (value, { loraPaths }) => {
  if (typeof value !== 'string' || !(isPlainPath(value) || isHubName(value))) {
    return invalid('Give an absolute path without . and .. and empty segments.');
  }
  return isListed(value, loraPaths)
    ? value
    : new Refusal('forbidden_field', '', 'The operator has not listed this place (validation.loraPaths).');
};

/** What an adapter is loaded from, and the name under which it is then served. */
export const lora = {
  lora_name: { on: ['load-lora'], policy: 'pass', type: newModelName },
  lora_path: { on: ['load-lora'], policy: 'pass', isRequired: true, type: pathCheck },
  is_3d_lora_weight: { on: ['load-lora'], policy: 'pass', type: bool },
  load_inplace: {
    on: ['load-lora'],
    policy: 'deny',
    vllmDefault: false,
    why: 'Replaces the weights under an adapter that others are served with.',
  },
} as const satisfies FieldFamily;
