import { group, text } from '../kernel/option.ts';
import { readRootKeySource, ROOT_KEY_HINT } from '../kernel/root-key-source.ts';

/** Encryption at rest. The source stays a text (`readRootKeySource` reads it): it names the key and never holds it. */
export const keyringConfig = group({
  rootKey: text(ROOT_KEY_HINT, (value) => readRootKeySource(value) !== undefined)
    .prefault('auto')
    .describe(
      'Where the key comes from that all others are wrapped with: auto (keys/root.key), file:PATH, env:NAME, credential:NAME, or passphrase: before one of these.',
    ),
}).prefault({});
