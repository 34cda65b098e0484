import { chatAnswer, chatChoice, countChat, refuseMessages, textOfChat } from './chat.ts';
import { badRequest, validationError } from './errors.ts';
import { planGeneration, readGenerationFields } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import type { AnswerPlan } from './plan.ts';
import { pythonInput } from './python-text.ts';
import { wholeUsage } from './usage.ts';
import { answerText } from './words.ts';

/** Answers `POST /v1/chat/completions/batch`: one choice for each conversation. */
export function answerChatBatch(body: LaxObject, context: AnswerContext): AnswerPlan {
  const fields = createFieldReader(body);
  const conversations = fields.requiredList('messages');
  const generationFields = readGenerationFields(
    fields,
    fields.int('max_completion_tokens') ?? fields.int('max_tokens'),
  );
  const problems = [
    ...fields.problems,
    ...conversations.flatMap((one, i) => {
      const loc = `body.messages.${i}`;
      if (Array.isArray(one)) return refuseMessages(one, loc);
      return [{ type: 'list_type', loc, msg: 'Input should be a valid list', input: pythonInput(one) }];
    }),
  ];
  if (problems.length > 0) return validationError(problems);
  if (generationFields.n > 1) return badRequest('Batch chat completions do not support n > 1.');

  let promptTokens = 0;
  let completionTokens = 0;
  let model = '';
  const choices: object[] = [];
  for (const [index, one] of conversations.entries()) {
    const messages = Array.isArray(one) ? one : [];
    const text = textOfChat(messages);
    const generation = planGeneration(generationFields, [text], countChat(messages), context);
    if ('status' in generation) return generation;
    ({ model } = generation);
    promptTokens += countChat(messages);
    completionTokens += generation.tokens;
    choices.push(chatChoice(index, { content: answerText(text, generation.tokens) }, generation.finishReason));
  }
  const base = { id: `chatcmpl-${context.idSuffix}`, object: 'chat.completion', created: context.createdS, model };
  return chatAnswer(base, choices, wholeUsage(promptTokens, completionTokens), context.version);
}
