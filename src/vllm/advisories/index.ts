import { parseAdvisories, type Advisory } from './advisory.ts';
import list from './advisories.json' with { type: 'json' };

/** Every advisory that the product comes with, oldest first. A test keeps the file without mistakes. */
export const knownAdvisories: readonly Advisory[] = parseAdvisories(list).advisories;
