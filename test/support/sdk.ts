import OpenAI from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import type { TestGateway } from './gateway.ts';

/** The `fetch` for an SDK that trusts the certificate of a gateway. */
export function trustingFetch({ ca }: Pick<TestGateway, 'ca'>): typeof fetch {
  const dispatcher = new Agent({ connect: { ca: ca ?? '' } });
  // undici's types are not those of the platform.
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
}

/** The stock OpenAI SDK for a gateway, with a new key; it tries nothing twice. */
export async function openAiClient(it: TestGateway): Promise<OpenAI> {
  const { key } = await it.issue();
  return new OpenAI({ baseURL: `${it.url}/v1`, apiKey: key, maxRetries: 0, fetch: trustingFetch(it) });
}
