import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import { denialOfModel, isGranted, type IsServed } from './model.ts';

/**
 * Denies models that were not granted. Who loads an adapter needs the grant of the name that it gets, and cannot give it
 * the name of a model that is served.
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
      const { model } = x.request;
      if (x.route.family === 'load-lora') {
        const param = 'lora_name';
        if (!isGranted(x.principal, model)) return deny('model_not_allowed', { param });
        // An adapter under a served name would answer, or be mistaken for, what others were granted.
        if (isServed(model) === true) return deny('invalid_field', { param, message: TAKEN });
      } else {
        const denial = denialOfModel(x.principal, model, isServed);
        if (denial !== undefined) return denial;
      }
      x.model = model;
      return undefined;
    },
  };
}

const TAKEN = 'A model of this name is served already. Give the adapter another name.';
