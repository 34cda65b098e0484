import assert from 'node:assert/strict';

/** A guide of `docs/guides/`, as a test follows it. */
export interface Guide {
  readonly steps: readonly GuideStep[];
}

/** One fenced block: a file to write, or commands to run. */
export type GuideStep = FileStep | CommandStep;

/** A file that the reader writes: a fence with `file=NAME`. */
export interface FileStep {
  readonly kind: 'file';
  readonly name: string;
  readonly text: string;
}

/** A line that begins with `$ `, with what is shown below it. */
export interface CommandStep {
  readonly kind: 'command';
  readonly command: string;
  /** Lines of its output that are shown; `…` stands for anything. */
  readonly shown: readonly string[];
  /** It is left running. */
  readonly stays: boolean;
  /** What it needs that a test does not have, such as `cluster`. */
  readonly skip: string | undefined;
}

const LANGUAGES_OF_COMMANDS = ['sh', 'bash', 'shell', 'zsh', ''];
const KNOWN_SKIPS = ['cluster', 'docker', 'root', 'systemd', 'client'];

/** Reads the fenced blocks of a page. Commands that a test would not see are a mistake. */
export function readGuide(page: string): Guide {
  const steps: GuideStep[] = [];
  for (const [, info = '', body = ''] of page.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const [language = '', ...words] = info.trim().split(/\s+/);
    assert.ok(
      !LANGUAGES_OF_COMMANDS.includes(language),
      `commands stand in console blocks, not in "${info}":\n${body}`,
    );
    const file = words.find((word) => word.startsWith('file='))?.slice('file='.length);
    if (language !== 'console') {
      if (file !== undefined) steps.push({ kind: 'file', name: file, text: body });
      continue;
    }
    const skip = words.find((word) => word.startsWith('skip='))?.slice('skip='.length);
    for (const word of words) assert.match(word, /^(stays|skip=\w+)$/, `unknown word of a fence: ${word}`);
    if (skip !== undefined) assert.ok(KNOWN_SKIPS.includes(skip), `skip=${skip} is none of ${KNOWN_SKIPS.join(', ')}`);
    steps.push(...commandsOf(body).map((one) => ({ ...one, stays: words.includes('stays'), skip })));
  }
  return { steps };
}

function commandsOf(body: string): { kind: 'command'; command: string; shown: string[] }[] {
  const found: { kind: 'command'; command: string; shown: string[] }[] = [];
  let isOpen = false;
  for (const line of body.split('\n')) {
    const last = found.at(-1);
    if (isOpen && last !== undefined) last.command += `\n${line}`;
    else if (line.startsWith('$ ')) found.push({ kind: 'command', command: line.slice(2), shown: [] });
    else if (line !== '') {
      assert.ok(last, `output before any command: ${line}`);
      last.shown.push(line);
      continue;
    } else continue;
    isOpen = line.endsWith('\\');
  }
  return found;
}

/** The first shown line that the output lacks, the lines in their order; undefined where all are there. */
export function missingLine(shown: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd());
  let from = 0;
  for (const wanted of shown) {
    if (wanted.trim() === '…') continue;
    const pattern = new RegExp(`^${wanted.trimEnd().split('…').map(escape).join('.*')}$`, 'u');
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (at < 0) return wanted;
    from = at + 1;
  }
  return undefined;
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
