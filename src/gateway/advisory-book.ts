import { join } from 'node:path';
import type { JsonValue } from '../kernel/json.ts';
import { advisoryFileFrom, parseAdvisories, type Advisory } from '../vllm/advisories/advisory.ts';
import { knownAdvisories } from '../vllm/advisories/index.ts';
import { mergeAdvisories } from '../vllm/advisories/merge.ts';
import { readIfThere, writeAtomically } from '../adapters/tls/private-files.ts';
import type { StateDir } from '../adapters/files/state-dir.ts';

/** The advisories that the product comes with, and those that were imported into the state directory. */
export interface AdvisoryBook {
  list(): readonly Advisory[];
  /** Adds imported ones; they are there after a restart, too. @throws where the file cannot be written */
  add(imported: readonly Advisory[]): void;
}

/** Opens `advisories.json` of a state directory. What cannot be read of it is left out: the product's own list stays. */
export function openAdvisoryBook(stateDir: StateDir): AdvisoryBook {
  const file = join(stateDir.path, 'advisories.json');
  let imported = read(readIfThere(file));
  let merged = mergeAdvisories(knownAdvisories, imported);
  return {
    list: () => merged,
    add(more) {
      const ids = new Set(more.map(({ id }) => id));
      imported = [...imported.filter(({ id }) => !ids.has(id)), ...more];
      writeAtomically(file, `${JSON.stringify(advisoryFileFrom(imported), null, 2)}\n`, 0o600);
      merged = mergeAdvisories(knownAdvisories, imported);
    },
  };
}

function read(text: string | undefined): readonly Advisory[] {
  if (text === undefined) return [];
  try {
    return parseAdvisories(JSON.parse(text) as JsonValue).advisories;
  } catch {
    return [];
  }
}
