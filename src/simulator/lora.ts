import { badRequest, validationError } from './errors.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import type { AnswerPlan } from './plan.ts';

/** Answers `POST /v1/load_lora_adapter` as a server does that may load adapters: with a bare text. Nothing is kept. */
export function answerLoadLora(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const name = fields.string('lora_name');
  const path = fields.string('lora_path');
  if (fields.problems.length > 0) return validationError(fields.problems);
  if (name === undefined || path === undefined || name === '' || path === '') {
    return badRequest("Both 'lora_name' and 'lora_path' must be provided.");
  }
  if (context.models.includes(name)) {
    return badRequest(
      `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.`,
    );
  }
  return {
    status: 200,
    headers: ['vary', 'Origin'],
    body: Buffer.from(`Success: LoRA adapter '${name}' added successfully.`),
  };
}
