import { isNamed, MAX_ITEMS, type Advisory } from './advisory.ts';

/**
 * Adds imported advisories to those that are known. An imported one that shares an id or alias with a known one
 * corrects its ranges, score and names, and leaves what only the product knows: summary, reach, trigger.
 */
export function mergeAdvisories(known: readonly Advisory[], imported: readonly Advisory[]): readonly Advisory[] {
  const byName = new Map<string, Advisory>();
  for (const advisory of imported) {
    for (const name of [advisory.id, ...advisory.aliases]) if (!byName.has(name)) byName.set(name, advisory);
  }
  const used = new Set<Advisory>();
  const corrected = known.map((advisory) => {
    const newer = namesOf(advisory).map((name) => byName.get(name));
    const first = newer.find((found) => found !== undefined);
    if (first === undefined) return advisory;
    for (const found of newer) if (found !== undefined) used.add(found);
    return correct(advisory, first);
  });
  const added = imported.filter((advisory) => !used.has(advisory) && !known.some((one) => isSame(one, advisory)));
  return [...corrected, ...added];
}

const namesOf = ({ id, aliases }: Advisory): readonly string[] => [id, ...aliases];

const isSame = (one: Advisory, other: Advisory): boolean => namesOf(other).some((name) => isNamed(one, name));

function correct(known: Advisory, newer: Advisory): Advisory {
  const names = new Set([...namesOf(known), ...namesOf(newer)]);
  names.delete(known.id);
  const rated = newer.severity === 'unknown' ? known : newer;
  const { score: _, ...rest } = known;
  return {
    ...rest,
    aliases: [...names].slice(0, MAX_ITEMS),
    severity: rated.severity,
    ...(rated.score === undefined ? {} : { score: rated.score }),
    affected: newer.affected,
  };
}
