import type { Conflict } from './conflict.ts';
import type { Config } from './schema.ts';

/** Rules between the options of destinations of the audit log. */
export function destinations({ auditLog }: Config): Conflict[] {
  return [...rulesOf('ship', auditLog.ship), ...rulesOf('copies', auditLog.copies)];
}

interface Destination {
  readonly name: string;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

function rulesOf(option: 'ship' | 'copies', all: readonly Destination[]): Conflict[] {
  const found: Conflict[] = [];
  for (const [i, { name, certFile, keyFile }] of all.entries()) {
    const at = ['auditLog', option, i];
    const first = all.findIndex((one) => one.name === name);
    // Each has its place kept under its name: two would leave out what the other has sent.
    if (first < i) {
      const hint = `auditLog.${option}[${first}] has this name, too: give each its own.`;
      found.push({ path: [...at, 'name'], hint, reads: [['auditLog', option, first, 'name']] });
    }
    if ((certFile === undefined) === (keyFile === undefined)) continue;
    const missing = certFile === undefined ? 'certFile' : 'keyFile';
    const hint = `A client certificate needs both files: give ${missing}, too.`;
    found.push({ path: [...at, missing], hint, reads: [at] });
  }
  return found;
}
