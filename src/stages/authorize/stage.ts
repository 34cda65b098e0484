import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import { denialOfModel, isGranted, type IsServed } from './model.ts';

/**
 * Denies models that were not granted. Who loads an adapter needs the grant of the name that it gets, and cannot give it
 * the name of a model that is served. A stored response needs the grant of the model that made it, each time.
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
      const { family } = x.route;
      if (family === 'load-lora') {
        const param = 'lora_name';
        if (!isGranted(x.principal, model)) return deny('model_not_allowed', { param });
        // An adapter under a served name would answer, or be mistaken for, what others were granted.
        if (isServed(model) === true) return deny('invalid_field', { param, message: TAKEN });
      } else {
        // What is stored is there, whether or not its model is still served.
        const isThere: IsServed = family === 'stored-response' ? () => undefined : isServed;
        const denial = denialOfModel(x.principal, model, isThere);
        if (denial !== undefined) return denial;
        // Else a caller could go on with what a model said that it was granted once, and is no more.
        if (held !== undefined && held.model !== model) {
          return deny('invalid_field', { param: 'model', message: OTHER_MODEL });
        }
      }
      x.model = model;
      return undefined;
    },
  };
}

const OTHER_MODEL =
  'A response is continued by the model that made it. Name that one, or send the conversation as input.';
const TAKEN = 'A model of this name is served already. Give the adapter another name.';
