import { isCollection, isNode, LineCounter, parseDocument, visit, type ErrorCode } from 'yaml';
import type { Mistake, Path } from './mistake.ts';
import { emptyTree, isTree, mapLeaves, type Tree } from './tree.ts';

/** A configuration file that was read. */
export interface YamlSource {
  readonly tree: Tree;
  readonly mistakes: readonly Mistake[];
  /** File and line where a value, or the nearest thing around it, stands. */
  readonly lineOf: (path: Path) => string;
}

const BAD_ALIAS = 'Remove the alias, or define its anchor before it; quote a text that begins with *.';

/** What is said of broken YAML. The parser's own messages quote the source, which may hold a secret. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: 'The same key stands twice in one map: keep one of them.',
  TAB_AS_INDENT: 'Indent with spaces, not tabs.',
  BAD_INDENT: 'Correct the indentation.',
  BAD_ALIAS,
  MULTIPLE_DOCS: 'Keep one document: remove the line of three hyphens and what follows.',
  TAG_RESOLVE_FAILED: 'Remove the tag.',
  MISSING_CHAR: 'A closing quote, bracket, comma or colon is missing.',
};

/** Reads a YAML 1.2 text strictly. Never throws; broken places are mistakes with line and column. */
export function readYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const mistakes: Mistake[] = [...document.errors, ...document.warnings].map((error) => ({
    path: placeOf(error.pos[0]),
    found: 'not valid YAML',
    hint: HINTS[error.code] ?? 'Correct the YAML here; quote a text that holds one of : # { } [ ] , & * ! | > % @.',
  }));
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      mistakes.push({ path: placeOf(alias.range?.[0] ?? 0), found: 'an alias without anchor', hint: BAD_ALIAS });
    },
  });
  const empty = { tree: emptyTree(), mistakes, lineOf: () => file };
  if (mistakes.length > 0) return empty;

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }); // aliases of aliases otherwise grow without bound
  } catch {
    const hint = 'Write the values out where aliases stand: they refer to each other too often.';
    return { ...empty, mistakes: [{ path: file, found: 'too many aliases', hint }] };
  }
  if (value === null || value === undefined) return empty;
  if (!isTree(value)) {
    const hint = 'Begin with a section, such as listen: or upstreams:, or leave the file empty.';
    return { ...empty, mistakes: [{ path: file, found: 'no map of options', hint }] };
  }
  const copy = mapLeaves(value, (leaf) => leaf);
  return { tree: isTree(copy) ? copy : emptyTree(), mistakes, lineOf: (path) => `${file}:${lineAt(path)}` };

  function lineAt(path: Path): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node = isCollection(document.contents) ? document.contents.getIn(path.slice(0, length), true) : undefined;
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  }
}
