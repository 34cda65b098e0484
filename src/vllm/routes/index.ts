import { audio } from './audio.ts';
import { control } from './control.ts';
import { devMode } from './dev-mode.ts';
import { docs } from './docs.ts';
import { inference } from './inference.ts';
import { lora } from './lora.ts';
import { models } from './models.ts';
import { pooling } from './pooling.ts';
import type { RouteRow } from './route.ts';
import { scaleOut } from './scale-out.ts';

/** Every route of vLLM that is known, family by family. */
export const routes: readonly RouteRow[] = [
  ...inference,
  ...pooling,
  ...audio,
  ...models,
  ...docs,
  ...lora,
  ...scaleOut,
  ...control,
  ...devMode,
];
