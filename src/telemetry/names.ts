/**
 * The names of OpenTelemetry's semantic conventions that are sent (HTTP: stable; GenAI: in development, so they may yet change,
 * here and nowhere else).
 */
export const ATTRIBUTE = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  isStream: 'gen_ai.request.stream',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  tokenType: 'gen_ai.token.type',
  errorType: 'error.type',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  urlPath: 'url.path',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  clientAddress: 'client.address',
  userAgent: 'user_agent.original',
  requestId: 'sallyport.request.id',
  outcome: 'sallyport.outcome',
  tenant: 'sallyport.tenant',
  apiKey: 'sallyport.api_key.id',
  oauthClient: 'sallyport.oauth.client_id',
  upstream: 'sallyport.upstream',
  firstByte: 'sallyport.time_to_first_byte',
  serviceName: 'service.name',
  serviceVersion: 'service.version',
  serviceInstance: 'service.instance.id',
  hostName: 'host.name',
} as const;

/** The provider: the conventions' list has no name for it, and allows one of one's own. */
export const PROVIDER = 'vllm';

/** What a route does, in the words of `gen_ai.operation.name`; a route that is not here does nothing of the kind. */
export const OPERATIONS: Readonly<Record<string, string>> = {
  chat: 'chat',
  'chat-batch': 'chat',
  responses: 'chat',
  messages: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  'cohere-embed': 'embeddings',
  score: 'score',
  rerank: 'rerank',
  classify: 'classify',
  pooling: 'pooling',
  transcription: 'transcription',
  realtime: 'realtime',
};

/** A histogram of the conventions, with the bounds that they recommend. */
export interface HistogramName {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly bounds: readonly number[];
}

const powers = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first * factor ** i);

/** 10 ms to 81.92 s, each twice the one before. */
const SECONDS = powers(1, 2, 14).map((n) => n / 100);

/** All histograms that are sent. */
export const HISTOGRAM = {
  tokens: {
    name: 'gen_ai.client.token.usage',
    description: 'Number of input and output tokens used.',
    unit: '{token}',
    bounds: powers(1, 4, 14),
  },
  operation: {
    name: 'gen_ai.client.operation.duration',
    description: 'GenAI operation duration: the call to upstream, as the gateway saw it.',
    unit: 's',
    bounds: SECONDS,
  },
  request: {
    name: 'gen_ai.server.request.duration',
    description: 'Generative AI server request duration: the whole request, as the caller saw it.',
    unit: 's',
    bounds: SECONDS,
  },
  firstToken: {
    name: 'gen_ai.server.time_to_first_token',
    description: 'Time to generate first token for successful responses.',
    unit: 's',
    bounds: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
  },
  outputToken: {
    name: 'gen_ai.server.time_per_output_token',
    description: 'Time per output token generated after the first token for successful responses.',
    unit: 's',
    bounds: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5],
  },
  http: {
    name: 'http.server.request.duration',
    description: 'Duration of HTTP server requests.',
    unit: 's',
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
} as const satisfies Record<string, HistogramName>;
