/** The areas whose parts are not built yet: known by name, and accepted with their defaults only. */
import { group, laterList } from '../kernel/option.ts';

/** Prompt rules. */
export const guardsConfig = group({ rules: laterList() }).prefault({});

/** Data loss prevention. */
export const dlpConfig = group({ rules: laterList() }).prefault({});
