import type { Scope } from '../../kernel/scope.ts';

/** What each scope lets a client do, in plain words for the person who is asked. */
const TEXTS: Readonly<Record<Scope, string>> = {
  'inference:chat': 'chat with models',
  'inference:completions': 'let models complete texts',
  'inference:responses': 'ask models through the Responses API',
  'inference:messages': 'ask models through the Messages API',
  'inference:embeddings': 'turn texts into embeddings',
  'inference:rerank': 'rank texts by a question',
  'inference:pooling': 'use pooling and classification models',
  'inference:audio': 'send audio to models',
  'inference:realtime': 'talk to models in real time',
  'inference:tokenize': 'count and split texts into tokens',
  'models:read': 'see the list of models',
  'lora:write': 'load and unload adapters of models',
  'admin:read': 'see the settings of this gateway: keys, people, clients',
  'admin:write': 'change the settings of this gateway: keys, people, clients',
  'audit:read': 'read the audit log of this gateway',
  'metrics:read': 'read the measurements of this gateway',
};

/** A scope in plain words. */
export const scopeText = (scope: Scope): string => TEXTS[scope];
