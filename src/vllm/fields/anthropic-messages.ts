import { isJsonObject } from '../../kernel/json.ts';
import type { JsonArray, JsonValue } from '../../kernel/json.ts';
import { CONTENT_HINT, assistantBlock, systemBlock, userBlock } from './anthropic-blocks.ts';
import { oneOf } from './check.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_ANTHROPIC } from './ignored.ts';
import { textOrKeptList } from './kept-list.ts';
import { keepPlaces } from './kept-places.ts';
import { formsOf, objectOf } from './object.ts';
import { refine } from './refine.ts';
import { invalid } from './refusal.ts';

const MAX_BLOCKS = 4096;

/** Begins Claude Code's attribution, which differs in each request: vLLM leaves it out, else no prefix would be cached. */
const ATTRIBUTION = 'x-anthropic-billing-header';

/**
 * Texts of blocks as one. vLLM puts them together with nothing in between, so that two harmless ones could spell a
 * control token: a line feed, which none has, keeps them apart.
 */
function textOfBlocks(blocks: readonly JsonValue[]): string {
  const texts = blocks.flatMap((block) =>
    isJsonObject(block) && typeof block['text'] === 'string' ? block['text'] : [],
  );
  return texts.filter((one) => !one.startsWith(ATTRIBUTION)).join('\n');
}

const systemBlocks = textOrKeptList(systemBlock, MAX_BLOCKS);
/** Instructions for the whole conversation: a text or blocks of text. */
export const systemCheck: Check = Object.assign(
  (...[value, context]: Parameters<Check>) => {
    const checked = systemBlocks(value, context);
    return Array.isArray(checked) ? textOfBlocks(checked) : checked;
  },
  { item: systemBlock },
);

/** Blocks of thinking as vLLM may put them together; see `textOfBlocks`. */
function apart(blocks: JsonArray): JsonArray {
  let isFirst = true;
  const parted = blocks.map((block) => {
    if (!isJsonObject(block) || block['type'] !== 'thinking' || typeof block['thinking'] !== 'string') return block;
    const before = isFirst ? '' : '\n';
    isFirst = false;
    return { ...block, thinking: before + block['thinking'] };
  });
  return keepPlaces(parted, blocks);
}

const message = (role: string, item: Check): Check => {
  const members: Members = {
    role: { policy: 'pass', type: oneOf(role), isRequired: true },
    content: { policy: 'pass', type: textOrKeptList(item, MAX_BLOCKS) },
    clear_at: IGNORED_OF_ANTHROPIC,
    output_config: IGNORED_OF_ANTHROPIC,
  };
  return refine(objectOf(members, 'Give a message: an object with role and content.'), (checked, _, sent) => {
    if (checked['content'] !== undefined) return checked;
    // All its blocks were left out, or it was an answer without any: nothing of it is left to send.
    return isJsonObject(sent) && Array.isArray(sent['content']) ? undefined : invalid(CONTENT_HINT, 'content');
  });
};

/** One message of Anthropic's format. Its role says which blocks it may hold. */
export const anthropicMessage: Check = formsOf(
  'role',
  {
    user: message('user', userBlock),
    assistant: refine(message('assistant', assistantBlock), (checked) => {
      const { content } = checked;
      return Array.isArray(content) ? { ...checked, content: apart(content) } : checked;
    }),
    system: refine(message('system', systemBlock), (checked) => {
      const { content } = checked;
      const said = Array.isArray(content) ? textOfBlocks(content) : content;
      // vLLM puts it behind the instructions before it; see `textOfBlocks`.
      return { ...checked, content: `\n${typeof said === 'string' ? said : ''}` };
    }),
  },
  'Give a message: an object with role and content.',
);
