import { createHash } from 'node:crypto';

/** vLLM's prefix cache: whole blocks of a prompt that was seen before need not be computed again. */
export interface PrefixCache {
  /** Looks a prompt up and keeps it. @returns how many of its tokens were there */
  use(tokens: readonly string[], salt: string): number;
  /** Tokens that were asked for, and those of them that were there, as `/metrics` counts them. */
  counts(): { readonly queries: number; readonly hits: number };
}

/** Tokens of a block (`--block-size`). */
const BLOCK = 16;

/** @param blocks how many it holds; the ones used longest ago go first */
export function createPrefixCache(blocks: number): PrefixCache {
  const kept = new Set<string>();
  let queries = 0;
  let hits = 0;

  /** True where the block was there. It is the newest from now on. */
  function touch(hash: string): boolean {
    const wasThere = kept.delete(hash);
    kept.add(hash);
    const [oldest] = kept;
    if (kept.size > blocks && oldest !== undefined) kept.delete(oldest);
    return wasThere;
  }

  return {
    use(tokens, salt) {
      let hash = salt;
      let found = 0;
      let isPrefix = true;
      for (let i = 0; i + BLOCK <= tokens.length; i += BLOCK) {
        // Each block's hash has all before it in it: only a common beginning counts.
        hash = createHash('sha256')
          .update(`${hash}\n${tokens.slice(i, i + BLOCK).join(' ')}`)
          .digest('base64');
        isPrefix = touch(hash) && isPrefix;
        if (isPrefix) found += BLOCK;
      }
      // As in vLLM the last token is always computed, for the first new one comes of it.
      const used = Math.min(found, Math.max(0, tokens.length - 1));
      queries += tokens.length;
      hits += used;
      return used;
    },
    counts: () => ({ queries, hits }),
  };
}
