import { KEY, quoted, trustBy, type Client, type Endpoint } from './client.ts';

/** Chat pages, editors and coding agents. */
export const programs: readonly Client[] = [
  {
    name: 'open-webui',
    scope: 'inference:chat',
    settings: (to) => ({
      env: {
        OPENAI_API_BASE_URL: `${to.origin}/v1`,
        OPENAI_API_KEY: KEY,
        ENABLE_OLLAMA_API: 'False',
        ...trustBy('SSL_CERT_FILE', to),
        ...trustBy('REQUESTS_CA_BUNDLE', to),
      },
      files: [],
      example: 'open-webui serve\n',
      notes: [
        'The page reads these variables at its first start and keeps them: later change them in Admin Settings, Connections, or start it with ENABLE_PERSISTENT_CONFIG=False.',
        'Behind a page that many people share, make the key with --on-behalf-of header:X-OpenWebUI-User-Id and start the page with ENABLE_FORWARD_USER_INFO_HEADERS=True: limits and caches are then kept for each person.',
      ],
    }),
  },
  {
    name: 'claude-code',
    scope: 'inference:messages',
    settings: (to) => ({
      env: {
        ANTHROPIC_BASE_URL: to.origin,
        ANTHROPIC_AUTH_TOKEN: KEY,
        ANTHROPIC_MODEL: to.model,
        // What its own words for a model mean, which its helpers and /model use.
        ANTHROPIC_DEFAULT_HAIKU_MODEL: to.model,
        ANTHROPIC_DEFAULT_SONNET_MODEL: to.model,
        ANTHROPIC_DEFAULT_OPUS_MODEL: to.model,
        ANTHROPIC_DEFAULT_FABLE_MODEL: to.model,
        ...(to.contextTokens === undefined ? {} : { CLAUDE_CODE_MAX_CONTEXT_TOKENS: `${to.contextTokens}` }),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        ...trustBy('NODE_EXTRA_CA_CERTS', to),
      },
      files: [],
      example: 'claude\n',
      notes: [],
    }),
  },
  {
    name: 'codex',
    scope: 'inference:responses',
    settings: (to) => ({
      env: { SALLYPORT_API_KEY: KEY, ...trustBy('SSL_CERT_FILE', to), ...trustBy('CODEX_CA_CERTIFICATE', to) },
      files: [
        {
          path: '~/.codex/config.toml',
          text: `model = ${quoted(to.model)}
model_provider = "sallyport"
${to.contextTokens === undefined ? '' : `model_context_window = ${to.contextTokens}\n`}
[model_providers.sallyport]
name = "sallyport"
base_url = ${quoted(`${to.origin}/v1`)}
env_key = "SALLYPORT_API_KEY"
wire_api = "responses"
`,
        },
      ],
      example: 'codex\n',
      notes: [],
    }),
  },
  {
    name: 'opencode',
    scope: 'inference:chat',
    settings: (to) => ({
      env: { SALLYPORT_API_KEY: KEY, ...trustBy('NODE_EXTRA_CA_CERTS', to) },
      files: [
        {
          path: 'opencode.json',
          text: `${JSON.stringify(
            {
              model: `sallyport/${to.model}`,
              small_model: `sallyport/${to.model}`,
              provider: {
                sallyport: {
                  npm: '@ai-sdk/openai-compatible',
                  name: 'sallyport',
                  options: { baseURL: `${to.origin}/v1`, apiKey: '{env:SALLYPORT_API_KEY}' },
                  models: { [to.model]: { name: to.model, tool_call: true, ...limitOf(to) } },
                },
              },
            },
            undefined,
            2,
          )}\n`,
        },
      ],
      example: 'opencode\n',
      notes: [],
    }),
  },
  {
    name: 'aider',
    scope: 'inference:chat',
    settings: (to) => ({
      env: {
        OPENAI_API_BASE: `${to.origin}/v1`,
        OPENAI_API_KEY: KEY,
        // The prefix is not part of the name: it says which API the model is asked by.
        AIDER_MODEL: `openai/${to.model}`,
        ...trustBy('SSL_CERT_FILE', to),
      },
      files: [],
      example: 'aider\n',
      notes: [],
    }),
  },
  {
    name: 'cursor',
    scope: 'inference:chat',
    settings: (to) => ({
      env: {},
      files: [],
      example: undefined,
      notes: cursorNotes(to),
    }),
  },
];

/** OpenCode wants both: vLLM has no length of answers, and what OpenCode keeps free for one is not used for the prompt. */
const limitOf = ({ contextTokens }: Endpoint): object =>
  contextTokens === undefined ? {} : { limit: { context: contextTokens, output: Math.ceil(contextTokens / 4) } };

/** Cursor writes the format of a maker whom the name of the model reminds of, whatever the path. */
const MAKERS_NAMES = /gpt|claude|gemini/i;

const cursorNotes = ({ origin, model, caFile }: Endpoint): string[] => [
  `In Cursor Settings, Models: OpenAI API Key = the value of the key, Override OpenAI Base URL = ${origin}/v1, Add Custom Model = ${model}.`,
  'The requests come from the servers of Cursor, not from this machine: the URL must be reached from the internet, with a certificate that everybody trusts.',
  ...(caFile === undefined ? [] : ["That of now is the gateway's own: set listen.tls.mode to acme or files."]),
  `The button Verify asks from the editor, for a model that is on: leave only ${model} on, and let it by listen.cors.origins: ["vscode-file://vscode-app"].`,
  ...(MAKERS_NAMES.test(model)
    ? [
        `For names with gpt, claude or gemini Cursor sends bodies that vLLM does not read on this path: give ${model} another name by models.aliases, and --model that.`,
      ]
    : []),
];
