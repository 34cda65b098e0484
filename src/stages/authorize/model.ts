import type { Principal } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';

/** Tells whether any upstream serves a model; undefined while no list is known. */
export type IsServed = (model: string) => boolean | undefined;

/** Whether a principal may use a name. */
export const isGranted = ({ models }: Principal, model: string): boolean => models.has(model) || models.has('*');

/** Why a principal may not ask for a model. Whether it exists is said only to those who were granted its name. */
export function denialOfModel(principal: Principal, model: string, isServed: IsServed): Denial | undefined {
  if (!isGranted(principal, model)) return deny('model_not_allowed', { param: 'model' });
  // A name that no upstream lists is not even asked for: a LoRA resolver would load it from disk or hub.
  return isServed(model) === false ? deny('unknown_model', { param: 'model' }) : undefined;
}
