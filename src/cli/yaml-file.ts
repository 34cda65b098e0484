import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { CommandError, UsageError } from './command.ts';

/** The text of a file that a command line names. @throws CommandError where it cannot be read */
export function textOfFile(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandError(`${name} cannot be read (${code}).`);
  }
}

/**
 * What a YAML text says, with its aliases followed: to unknown anchors, or to so many that they grow out of bounds, the
 * library throws.
 *
 * @throws UsageError where it is no YAML
 */
export function yamlValueOf(text: string): unknown {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw new UsageError(`This is no YAML: ${fault.message.split('\n')[0] ?? ''}`);
  try {
    return document.toJS();
  } catch {
    throw new UsageError('This is no YAML: an alias has no anchor, or there are too many. Write out what is meant.');
  }
}
