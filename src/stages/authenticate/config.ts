import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { flag, group, later, laterList } from '../../kernel/option.ts';

/** The methods by which a caller may show who it is. */
export const authenticationConfig = group({
  apiKeys: group({ enabled: flag().prefault(true).describe('Whether API keys are accepted.') }).prefault({}),
  issuers: laterList(),
  mtls: group({ required: later(false), principals: laterList() }).prefault({}),
}).prefault({});

/** The methods as they come out. */
export type AuthenticationConfig = DeepReadonly<z.output<typeof authenticationConfig>>;
