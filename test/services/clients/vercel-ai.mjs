// Tours a gateway with the stock Vercel AI SDK, beginning with the program that `sallyport connect vercel-ai` prints; prints
// what came as JSON. The settings are the environment's, as `connect` exports them for the SDK and for OpenAI's; others:
// PRINTED (that program), SDK_DIR, IMAGE.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { printedBy } from './printed.mjs';

const require = createRequire(`${process.env.SDK_DIR}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { embed, generateText, jsonSchema, Output, stepCountIs, streamText, tool } = await load('ai');
const { createOpenAI } = await load('@ai-sdk/openai');

const openai = createOpenAI();
const schema = jsonSchema({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
});
const weather = tool({ description: 'Weather of a city', inputSchema: schema, execute: async () => ({ degrees: 20 }) });
const out = {};

async function attempt(name, run) {
  try {
    out[name] = await run();
  } catch (error) {
    out[name] = { status: error.statusCode ?? 0, error: String(error.message).slice(0, 300) };
  }
}

const textOf = async (wish) => {
  let text = '';
  const onError = ({ error }) => {
    throw error;
  };
  for await (const part of streamText({ ...wish, onError }).textStream) text += part;
  return { text };
};

let printed;
await attempt('printed chat', async () => {
  const { module, said } = await printedBy(process.env.PRINTED);
  printed = module.sallyport;
  return { text: said };
});
await attempt('printed stream', () => textOf({ model: printed('tiny'), prompt: 'hello' }));
await attempt('printed tools', async () => {
  const wish = { model: printed('tiny'), prompt: 'Please use weather', tools: { weather }, stopWhen: stepCountIs(3) };
  const { steps, text } = await generateText(wish);
  return { calls: steps.flatMap(({ toolCalls }) => toolCalls.map(({ toolName }) => toolName)), text };
});
for (const [kind, model] of [
  ['chat', openai.chat('tiny')],
  ['responses', openai.responses('tiny')],
  ['compatible', printed.chatModel('tiny')],
]) {
  // A random model that draws its tokens draws none that are text now and then.
  const common = { model, maxOutputTokens: 6, maxRetries: 0, temperature: 0 };
  await attempt(`${kind} text`, async () => ({ text: (await generateText({ ...common, prompt: 'hello' })).text }));
  await attempt(`${kind} stream`, () => textOf({ ...common, prompt: 'hello' }));
  await attempt(`${kind} tools`, async () => {
    const answer = await generateText({
      ...common,
      maxOutputTokens: 100,
      prompt: 'weather?',
      tools: { weather },
      toolChoice: 'required',
      stopWhen: stepCountIs(1),
    });
    return { calls: answer.toolCalls.map(({ toolName }) => toolName) };
  });
  await attempt(`${kind} schema`, async () => {
    const answer = await generateText({
      ...common,
      maxOutputTokens: 60,
      prompt: 'a city',
      output: Output.object({ schema }),
    });
    return { text: answer.text };
  });
  await attempt(`${kind} image`, async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', image: process.env.IMAGE },
    ];
    return { text: (await generateText({ ...common, messages: [{ role: 'user', content }] })).text };
  });
}
await attempt('embedding', async () => {
  const { embedding } = await embed({ model: openai.embedding('tiny'), value: 'hello', maxRetries: 0 });
  return { length: embedding.length };
});
process.stdout.write(JSON.stringify(out));
