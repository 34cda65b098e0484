import { identity } from './identity.ts';
import { media } from './media.ts';
import { output } from './output.ts';
import type { PatchFamily } from './patch.ts';
import { prompt } from './prompt.ts';
import { sampling } from './sampling.ts';
import { structuredOutput } from './structured-output.ts';
import { templates } from './templates.ts';
import { tensors } from './tensors.ts';
import { transfer } from './transfer.ts';

/** Every virtual patch, family by family. The first that holds answers. */
export const patches: PatchFamily = [
  ...prompt,
  ...sampling,
  ...output,
  ...structuredOutput,
  ...templates,
  ...media,
  ...tensors,
  ...transfer,
  ...identity,
];
