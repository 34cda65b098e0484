import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { PatchSample } from './patch.ts';

/** A chat by which a patch is tried. */
export const chat = (fields: JsonObject = {}, content: JsonValue = 'hi'): PatchSample => ({
  route: 'chat-completions',
  body: { model: 'tiny', messages: [{ role: 'user', content }], ...fields },
});

/** A completion by which a patch is tried. */
export const completion = (fields: JsonObject = {}): PatchSample => ({
  route: 'completions',
  body: { model: 'tiny', prompt: 'hi', ...fields },
});
