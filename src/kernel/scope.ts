/** Every scope (RFC 6749 §3.3) that a credential can carry. */
export const SCOPES = [
  'inference:chat',
  'inference:completions',
  'inference:responses',
  'inference:messages',
  'inference:embeddings',
  'inference:rerank',
  'inference:pooling',
  'inference:audio',
  'inference:realtime',
  'inference:tokenize',
  'models:read',
  'lora:write',
  'admin:read',
  'admin:write',
  'audit:read',
  'metrics:read',
] as const;

/** One scope. */
export type Scope = (typeof SCOPES)[number];

/** Tells whether a text is a scope. */
export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}
