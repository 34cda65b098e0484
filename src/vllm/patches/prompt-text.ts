import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { selectionsIn, textOfPart } from '../control-tokens/part-texts.ts';
import { unescaped } from '../control-tokens/unescaped.ts';

/**
 * Whether some text or name in a value, at any depth, contains one of these once it stands in a prompt: texts of
 * neighbouring parts are written one behind the other, and arguments of a call without the escapes of their JSON.
 * Recursion is as deep as the parser allows.
 */
export function holdsText(value: JsonValue, wanted: readonly string[]): boolean {
  const isFound = (text: string): boolean => wanted.some((one) => text.includes(one));
  const holds = (inner: JsonValue): boolean => {
    if (typeof inner === 'string') return isFound(inner);
    if (Array.isArray(inner)) {
      if (inner.some(holds)) return true;
      return selectionsIn(inner).some((kinds) => isFound(inner.map((item) => textOfPart(item, kinds)).join('')));
    }
    if (!isJsonObject(inner)) return false;
    return Object.entries(inner).some(
      ([name, member]) => isFound(name) || holds(member) || (name === 'arguments' && isHidden(member)),
    );
  };
  const isHidden = (text: JsonValue): boolean => {
    if (typeof text !== 'string' || !text.includes('\\')) return false;
    const once = unescaped(text);
    // Twice, for arguments may hold JSON that a tool's template parses anew.
    return isFound(once) || isFound(unescaped(once));
  };
  return holds(value);
}
