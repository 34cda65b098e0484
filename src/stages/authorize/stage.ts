import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';

/** Tells whether any upstream serves a model; undefined while no list is known. */
export type IsServed = (model: string) => boolean | undefined;

/** Denies models that were not granted. Whether a model exists is said only to those who were granted its name. */
export function createAuthorize({ isServed }: { isServed: IsServed }): Stage<'principal' | 'request', 'model'> {
  return {
    name: 'authorize',
    adds: ['model'],
    decide(x) {
      const { model } = x.request;
      const { models } = x.principal;
      if (!models.has(model) && !models.has('*')) return deny('model_not_allowed', { param: 'model' });
      // A name that no upstream lists is not even asked for: a LoRA resolver would load it from disk or hub.
      if (isServed(model) === false) return deny('unknown_model', { param: 'model' });
      x.model = model;
      return undefined;
    },
  };
}
