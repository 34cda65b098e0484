import { KEY, quoted, trustBy, type Client, type Endpoint } from './client.ts';

/** SDKs of programs that people write themselves, and curl. */
export const sdks: readonly Client[] = [
  {
    name: 'openai',
    scope: 'inference:chat',
    settings: (to) => ({
      env: openAiEnv(to),
      files: [],
      example: `from openai import OpenAI

answer = OpenAI().chat.completions.create(
    model=${quoted(to.model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)
`,
      javascript: `import OpenAI from 'openai';

const answer = await new OpenAI().chat.completions.create({
  model: ${quoted(to.model)},
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);
`,
      notes: [],
    }),
  },
  {
    name: 'anthropic',
    scope: 'inference:messages',
    settings: (to) => ({
      env: {
        ANTHROPIC_BASE_URL: to.origin,
        ANTHROPIC_API_KEY: KEY,
        ...trustBy('SSL_CERT_FILE', to),
        ...trustBy('NODE_EXTRA_CA_CERTS', to),
      },
      files: [],
      example: `from anthropic import Anthropic

answer = Anthropic().messages.create(
    model=${quoted(to.model)},
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[0].text)
`,
      javascript: `import Anthropic from '@anthropic-ai/sdk';

const answer = await new Anthropic().messages.create({
  model: ${quoted(to.model)},
  max_tokens: 256,
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.content[0].text);
`,
      notes: [],
    }),
  },
  {
    name: 'langchain',
    scope: 'inference:chat',
    settings: (to) => ({
      env: openAiEnv(to),
      files: [],
      example: `import os
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model=${quoted(to.model)}, base_url=os.environ["OPENAI_BASE_URL"])
print(model.invoke("Hello").content)
`,
      javascript: `import { ChatOpenAI } from '@langchain/openai';

const model = new ChatOpenAI({ model: ${quoted(to.model)} });
console.log((await model.invoke('Hello')).content);
`,
      notes: ['OpenAIEmbeddings of Python sends token ids unless told check_embedding_ctx_length=False.'],
    }),
  },
  {
    name: 'vercel-ai',
    scope: 'inference:chat',
    settings: (to) => ({
      env: { SALLYPORT_API_KEY: KEY, ...trustBy('NODE_EXTRA_CA_CERTS', to) },
      files: [],
      example: `import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';

const sallyport = createOpenAICompatible({
  name: 'sallyport',
  baseURL: ${quoted(`${to.origin}/v1`)},
  apiKey: process.env.SALLYPORT_API_KEY,
});
const { text } = await generateText({ model: sallyport(${quoted(to.model)}), prompt: 'Hello' });
console.log(text);
`,
      notes: [],
    }),
  },
  {
    name: 'curl',
    scope: 'inference:chat',
    settings: (to) => ({
      env: { SALLYPORT_API_KEY: KEY },
      files: [],
      example: `curl ${to.caFile === undefined ? '' : `--cacert ${shell(to.caFile)} `}${to.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $SALLYPORT_API_KEY" -H 'Content-Type: application/json' \\
  -d ${shell(JSON.stringify({ model: to.model, messages: [{ role: 'user', content: 'Hello' }] }))}
`,
      notes: [],
    }),
  },
];

/** What every SDK that speaks the OpenAI API reads, in Python and in JavaScript. */
const openAiEnv = (to: Endpoint): Record<string, string> => ({
  OPENAI_BASE_URL: `${to.origin}/v1`,
  OPENAI_API_KEY: KEY,
  ...trustBy('SSL_CERT_FILE', to),
  ...trustBy('NODE_EXTRA_CA_CERTS', to),
});

const shell = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
