// Tours a gateway with stock LangChain; prints what came as JSON. Environment: SDK_DIR, BASE_URL, API_KEY, IMAGE.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.SDK_DIR}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { ChatOpenAI, OpenAIEmbeddings } = await load('@langchain/openai');

const settings = {
  model: 'tiny',
  apiKey: process.env.API_KEY,
  maxRetries: 0,
  configuration: { baseURL: process.env.BASE_URL },
};
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

await attempt('chat', async () => ({ text: (await model.invoke('hello')).content }));
await attempt('stream', async () => {
  let text = '';
  for await (const part of await model.stream('hello')) text += part.content;
  return { text };
});
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
