import { batch } from './batch.ts';
import { cohere } from './cohere.ts';
import { anthropic } from './anthropic.ts';
import { engine } from './engine.ts';
import type { FieldFamily } from './field.ts';
import { lora } from './lora.ts';
import { chatOutput, completionsOutput, output } from './output.ts';
import { pooling } from './pooling.ts';
import { chatPrompt, prompt, textPrompt } from './prompt.ts';
import { responses } from './responses.ts';
import { sampling } from './sampling.ts';
import { rerank, score } from './score.ts';
import { sdk } from './sdk.ts';
import { responseFormat, structuredOutput } from './structured-output.ts';
import { storedResponses } from './stored-responses.ts';
import { tokenize } from './tokenize.ts';
import { tools } from './tools.ts';
import { transcription } from './transcription.ts';

/** Every field that a request body can have, family by family. */
export const fieldFamilies: readonly FieldFamily[] = [
  prompt,
  chatPrompt,
  textPrompt,
  sampling,
  output,
  chatOutput,
  completionsOutput,
  responseFormat,
  structuredOutput,
  tools,
  responses,
  anthropic,
  engine,
  sdk,
  batch,
  score,
  rerank,
  pooling,
  cohere,
  tokenize,
  lora,
  transcription,
];

/** Rows that take the place of others where `validation.storedResponses` is on. */
export const storedFamilies: readonly FieldFamily[] = [storedResponses];
