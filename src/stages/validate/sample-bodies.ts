import type { JsonObject } from '../../kernel/json.ts';
import { createBodyCheck, type BodyCaller, type BodySettings } from '../../vllm/fields/body.ts';
import type { Caps } from '../../vllm/fields/caps.ts';
import { BODY_KINDS, GRANTS } from '../../vllm/fields/field.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import type { PatchSample } from '../../vllm/patches/patch.ts';
import { routes } from '../../vllm/routes/index.ts';
import { createControlTokens, type ControlTokenMode } from './control-tokens.ts';

/** The options that decide what becomes of a body. */
export interface SampleSettings extends BodySettings {
  readonly caps: Omit<Caps, 'outputTokens'>;
  readonly controlTokens: ControlTokenMode;
}

/** By which a sample without one is tried: patches look at bodies that name a model. */
const ANY_MODEL = 'model';
/** The default of `limits.default.maxOutputTokens`: a length that is left out is put in. */
const OUTPUT_TOKENS = 65_536;

/**
 * Makes what tells the body that patches get of a sample, as the stage builds it for a caller who may send all that can
 * be granted. Undefined where the sample gets no further than its fields, or the route has none of ours.
 */
export function createSampleBodies(settings: SampleSettings): (sample: PatchSample) => JsonObject | undefined {
  const checkTokens = createControlTokens(settings.controlTokens, []);
  return ({ route, body }) => {
    const family = routes.find(({ id }) => id === route)?.family;
    const kind = BODY_KINDS.find((one) => one === family);
    if (kind === undefined) return undefined;
    // A copy, for control tokens are broken in place.
    const named = structuredClone({ model: ANY_MODEL, ...body });
    const who: BodyCaller = {
      caps: { ...settings.caps, outputTokens: OUTPUT_TOKENS },
      grants: new Set(GRANTS),
      cacheSalt: 'salt',
      bind: (value) => value,
      openResponse: () => undefined,
    };
    const request = createBodyCheck(kind, settings)(named, JSON.stringify(named).length, who, undefined, checkTokens);
    return request instanceof Refusal ? undefined : request.body;
  };
}
