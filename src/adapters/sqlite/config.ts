import { group, later } from '../../kernel/option.ts';

/** Where records are kept: in SQLite in the state directory. */
export const storageConfig = group({ url: later('sqlite'), plaintext: later('refused') }).prefault({});
