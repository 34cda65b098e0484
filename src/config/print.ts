import { stringify } from 'yaml';
import { formatBytes, formatDurationMs } from '../kernel/units.ts';
import { isSecretName } from './mistake.ts';
import type { Config } from './schema.ts';

/** What stands in place of a secret. */
export const MASK = '********';

/** The configuration in the names and units of `sallyport.yaml`, secrets masked; for `--json`. */
export function printableConfig(config: Config): unknown {
  return printable(config, '', false);
}

/** The effective configuration as YAML, secrets masked. */
export function printConfig(config: Config): string {
  return stringify(printableConfig(config), { lineWidth: 0 });
}

/** The password of a URL (RFC 3986 §3.2.1). */
const PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)[^/?#]*@/i;

function printable(value: unknown, name: string, isBelowSecret: boolean): unknown {
  const isSecret = isBelowSecret || isSecretName(name);
  if (Array.isArray(value)) return value.map((item) => printable(item, name, isBelowSecret));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, child]) => [
      outsideName(key, child),
      printable(child, key, isSecret),
    ]);
    return Object.fromEntries(entries);
  }
  if (value === undefined) return null;
  if (isSecret) return MASK;
  if (typeof value === 'string') return value.replace(PASSWORD, `$1${MASK}@`);
  if (typeof value !== 'number') return value;
  if (name.endsWith('Ms')) return formatDurationMs(value);
  return isSize(name) ? formatBytes(value) : value;
}

/** `headMs` is `head` outside. */
function outsideName(name: string, value: unknown): string {
  return typeof value === 'number' || value === 'none' ? name.replace(/Ms$/, '') : name;
}

function isSize(name: string): boolean {
  return name.endsWith('Bytes') || name === 'minBodyRate';
}
