import { choice, count, group, list, text } from '../kernel/option.ts';

const EXEMPT = 'Give the public id of an API key (Ab12Cd), or a name as sallyport quarantine list shows it.';

/** Detection of unusual use. */
export const anomalyConfig = group({
  mode: choice('off', 'observe', 'quarantine')
    .prefault('observe')
    .describe('observe tells of what is unusual; quarantine also holds the credential until somebody releases it.'),
  exempt: list(text(EXEMPT, (value) => value.length <= 512))
    .prefault([])
    .describe('API keys that are never held, by their public ids.'),
  maxQuarantined: count(1, 10_000)
    .prefault(5)
    .describe('Credentials that are held by themselves at once, at most; beyond it it is only told.'),
}).prefault({});
