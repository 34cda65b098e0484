// Tours a gateway with stock LangChain, beginning with the program that `sallyport connect langchain` prints; prints what
// came as JSON. The settings are the environment's, as `connect` exports them; others: PRINTED (that program), SDK_DIR, IMAGE.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { printedBy } from './printed.mjs';

const require = createRequire(`${process.env.SDK_DIR}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { ChatOpenAI, OpenAIEmbeddings } = await load('@langchain/openai');

const settings = { model: 'tiny', maxRetries: 0 };
const out = {};

async function attempt(name, run) {
  try {
    out[name] = await run();
  } catch (error) {
    out[name] = { status: error.status ?? 0, error: String(error.message).slice(0, 300) };
  }
}

const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Weather of a city', parameters: schema },
};
const model = new ChatOpenAI({ ...settings, maxTokens: 6, temperature: 0 });
const textOf = async (stream) => {
  let text = '';
  for await (const part of stream) text += part.content;
  return { text };
};

let printed;
await attempt('printed chat', async () => {
  const { module, said } = await printedBy(process.env.PRINTED);
  printed = module.model;
  return { text: said };
});
await attempt('printed stream', async () => textOf(await printed.stream('hello')));
await attempt('printed tools', async () => {
  const bound = printed.bindTools([weather]);
  const asked = { role: 'user', content: 'Please use weather' };
  const call = await bound.invoke([asked]);
  const result = { role: 'tool', tool_call_id: call.tool_calls[0].id, content: '{"degrees":20}' };
  return { calls: call.tool_calls.map(({ name }) => name), text: (await bound.invoke([asked, call, result])).content };
});
await attempt('chat', async () => ({ text: (await model.invoke('hello')).content }));
await attempt('stream', async () => textOf(await model.stream('hello')));
await attempt('tools', async () => {
  const bound = new ChatOpenAI({ ...settings, maxTokens: 100 }).bindTools([weather], { tool_choice: 'required' });
  return { calls: ((await bound.invoke('weather?')).tool_calls ?? []).map(({ name }) => name) };
});
await attempt('schema', async () => {
  const format = { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } };
  const bound = new ChatOpenAI({ ...settings, maxTokens: 60 }).withConfig({ response_format: format });
  return { text: (await bound.invoke('a city')).content };
});
await attempt('image', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: process.env.IMAGE } },
  ];
  return { text: (await model.invoke([{ role: 'user', content }])).content };
});
await attempt('embedding', async () => ({ length: (await new OpenAIEmbeddings(settings).embedQuery('hello')).length }));
process.stdout.write(JSON.stringify(out));
