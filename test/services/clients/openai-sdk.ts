import OpenAI, { APIError } from 'openai';

/** Calls a gateway with the stock OpenAI SDK for JavaScript; prints what came as JSON. Environment: BASE_URL, API_KEY. */
const client = new OpenAI({
  baseURL: process.env['BASE_URL'] ?? '',
  apiKey: process.env['API_KEY'] ?? '',
  maxRetries: 0,
});
const messages = [{ role: 'user' as const, content: 'hello' }];
const out: Record<string, unknown> = {};

async function attempt(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    out[name] = await run();
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    out[name] = { status: error.status, code: error.code, request_id: error.requestID };
  }
}

await attempt('chat', async () => {
  const answer = await client.chat.completions.create({ model: 'tiny', messages, max_tokens: 6, temperature: 0 });
  return { tokens: answer.usage?.completion_tokens, text: answer.choices[0]?.message.content };
});
await attempt('stream', async () => {
  const stream = await client.chat.completions.create({
    model: 'tiny',
    messages,
    max_tokens: 6,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let tokens: number | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    tokens = chunk.usage?.completion_tokens ?? tokens;
  }
  return { tokens, text };
});
await attempt('completion', async () => {
  const answer = await client.completions.create({ model: 'tiny', prompt: 'once', max_tokens: 4, temperature: 0 });
  return { tokens: answer.usage?.completion_tokens, text: answer.choices[0]?.text };
});
await attempt('completion_stream', async () => {
  const stream = await client.completions.create({
    model: 'tiny',
    prompt: 'once',
    max_tokens: 4,
    temperature: 0,
    stream: true,
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
  return { text };
});
await attempt('models', async () => (await client.models.list()).data.map(({ id }) => id));
await attempt('foreign_model', () => client.chat.completions.create({ model: 'tiny-lora', messages }));
await attempt('too_long', () =>
  client.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'word '.repeat(5000) }] }),
);
process.stdout.write(JSON.stringify(out));
