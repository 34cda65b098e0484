/** One step of the way to a field: a member, an element, each member or element, or a member at any depth. */
export type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'element'; readonly index: number }
  | { readonly kind: 'every-member' }
  | { readonly kind: 'every-element' }
  | { readonly kind: 'deep'; readonly name: string };

/** The form of a path in one line, for hints. */
export const PATH_FORM =
  'names joined by dots, [n], [*] for each element, * for each member, **.name once for any depth';

/**
 * Reads the path of a field: `messages[*].content[*].image_url.url`, `prompt[0]`, `chat_template_kwargs.*`,
 * `**.image_url`, `tools[*].**.type`. `**.name` is a member of that name at any depth, and stands once at most, so
 * that the work stays linear in the body. Undefined for any other text.
 */
export function parsePath(text: string): readonly Step[] | undefined {
  if (text.length > MAX_CHARS || !PATH.test(text)) return undefined;
  const steps: Step[] = [];
  let isDeep = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '**') {
      if (isDeep) return undefined;
      isDeep = true;
      continue;
    }
    if (!isDeep) {
      steps.push(stepFrom(token));
      continue;
    }
    if (!NAME.test(token) || steps.some(({ kind }) => kind === 'deep')) return undefined;
    steps.push({ kind: 'deep', name: token });
    isDeep = false;
  }
  return isDeep || steps.length > MAX_STEPS ? undefined : steps;
}

/** Tells whether a path can lead to one value at most. */
export function isPlain(steps: readonly Step[]): boolean {
  return steps.every(({ kind }) => kind === 'member' || kind === 'element');
}

const MAX_CHARS = 256;
const MAX_STEPS = 16;
const NAME = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const PATH = /^(?:[A-Za-z_$][A-Za-z0-9_$-]*|\*{1,2})(?:\[(?:\d{1,6}|\*)\]|\.(?:[A-Za-z_$][A-Za-z0-9_$-]*|\*{1,2}))*$/;
const TOKEN = /\*\*|\[\*\]|\*|\[\d+\]|[A-Za-z_$][A-Za-z0-9_$-]*/g;

function stepFrom(token: string): Step {
  if (token === '*') return { kind: 'every-member' };
  if (token === '[*]') return { kind: 'every-element' };
  if (token.startsWith('[')) return { kind: 'element', index: Number(token.slice(1, -1)) };
  return { kind: 'member', name: token };
}
