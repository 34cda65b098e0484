import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';

/** Tells whether any upstream serves a model; undefined while no list is known. */
export type IsServed = (model: string) => boolean | undefined;

/**
 * Denies models that were not granted. Whether a model exists is said only to those who were granted its name. Who loads
 * an adapter needs the grant of the name that it gets, and cannot give it the name of a model that is served. A stored
 * response needs the grant of the model that made it, each time.
 */
export function createAuthorize({
  isServed,
}: {
  isServed: IsServed;
}): Stage<'principal' | 'route' | 'request', 'model'> {
  return {
    name: 'authorize',
    adds: ['model'],
    decide(x) {
      const { model, held } = x.request;
      const { models } = x.principal;
      const isLoading = x.route.family === 'load-lora';
      const param = isLoading ? 'lora_name' : 'model';
      if (!models.has(model) && !models.has('*')) return deny('model_not_allowed', { param });
      // Else a caller could go on with what a model said that it was granted once, and is no more.
      if (held !== undefined && held.model !== model) return deny('invalid_field', { param, message: OTHER_MODEL });
      if (isLoading) {
        // An adapter under a served name would answer, or be mistaken for, what others were granted.
        if (isServed(model) === true) return deny('invalid_field', { param, message: TAKEN });
      } else if (x.route.family !== 'stored-response' && isServed(model) === false) {
        // A name that no upstream lists is not even asked for: a LoRA resolver would load it from disk or hub.
        return deny('unknown_model', { param });
      }
      x.model = model;
      return undefined;
    },
  };
}

const OTHER_MODEL =
  'A response is continued by the model that made it. Name that one, or send the conversation as input.';
const TAKEN = 'A model of this name is served already. Give the adapter another name.';
