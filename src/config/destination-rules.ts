import type { Conflict } from './conflict.ts';
import { pathText, type Path } from './mistake.ts';
import type { Config } from './schema.ts';

/** Rules between the options of destinations of the audit log. */
export function destinations({ auditLog }: Config): Conflict[] {
  const all = [
    ...auditLog.ship.map((one, i) => ({ ...one, at: ['auditLog', 'ship', i] })),
    ...auditLog.copies.map((one, i) => ({ ...one, at: ['auditLog', 'copies', i] })),
  ];
  return [...names(all), ...all.flatMap((one) => certificate(one))];
}

interface Destination {
  readonly name: string;
  readonly at: Path;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Each has its place kept, and is counted, under its name. */
const names = (all: readonly Destination[]): Conflict[] =>
  all.flatMap(({ name, at }, i) => {
    const first = all.slice(0, i).find((one) => one.name === name);
    if (first === undefined) return [];
    const hint = `${pathText(first.at)} has this name, too: give each its own.`;
    return [{ path: [...at, 'name'], hint, reads: [[...first.at, 'name']] }];
  });

function certificate({ at, certFile, keyFile }: Destination): Conflict[] {
  if ((certFile === undefined) === (keyFile === undefined)) return [];
  const missing = certFile === undefined ? 'certFile' : 'keyFile';
  const hint = `A client certificate needs both files: give ${missing}, too.`;
  return [{ path: [...at, missing], hint, reads: [at] }];
}
