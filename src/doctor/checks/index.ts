import type { Check } from '../installation.ts';
import { around } from './around.ts';
import { files } from './files.ts';
import { listener } from './listener.ts';
import { rootKey } from './root-key.ts';
import { sidePorts } from './side-ports.ts';
import { vllm } from './vllm.ts';

/** Every check of the doctor. */
export const checks: readonly Check[] = [around, sidePorts, vllm, files, rootKey, listener];
