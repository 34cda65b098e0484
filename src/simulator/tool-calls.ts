import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';

/** A tool that a request offers. */
export interface OfferedTool {
  readonly name: string;
  /** JSON Schema of its arguments; undefined where there is none. */
  readonly schema: LaxValue | undefined;
}

/**
 * The tools of a list whose items carry name and schema themselves, as in Messages and Responses.
 *
 * @param schemaMember what an item calls its schema
 */
export function flatTools(tools: LaxValue | undefined, schemaMember: string): OfferedTool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool) =>
    isLaxObject(tool) && typeof tool['name'] === 'string' ? [{ name: tool['name'], schema: tool[schemaMember] }] : [],
  );
}

/** Which tool a request wants called: by its name, any one, or what the model thinks best. */
export type ToolWish = { readonly name: string } | 'required' | 'auto' | 'none';

/** A call that the model makes. */
export interface MadeCall {
  readonly id: string;
  readonly name: string;
  /** JSON, in the pieces in which a stream brings it; each is counted as a token. */
  readonly pieces: readonly string[];
  /** As recorded: a call that was wanted by name ends like a text, any other says that it is a call. */
  readonly isNamed: boolean;
}

/**
 * The call with which a request is answered. Where the model may choose, it calls a tool that the last text names, so
 * that a test or a demonstration can ask for it.
 *
 * @param lastText what the caller said last; empty where that was a tool's result
 * @param idSuffix what makes the call's id
 */
export function callOf(
  tools: readonly OfferedTool[],
  wish: ToolWish,
  lastText: string,
  idSuffix: string,
): MadeCall | undefined {
  const tool =
    wish === 'none'
      ? undefined
      : wish === 'required'
        ? tools[0]
        : wish === 'auto'
          ? tools.find(({ name }) => name !== '' && lastText.includes(name))
          : tools.find(({ name }) => name === wish.name);
  if (tool === undefined) return undefined;
  const text = exampleText(tool.schema);
  const pieces = text.match(/.{1,8}/gsu) ?? [text];
  return { id: `chatcmpl-tool-${idSuffix}`, name: tool.name, pieces, isNamed: typeof wish === 'object' };
}

/** JSON text that fits a schema, for the usual keywords. */
export const exampleText = (schema: LaxValue | undefined): string => JSON.stringify(exampleOf(schema, 0));

const MAX_DEPTH = 8;

/** A value that fits the schema, for the usual keywords: the first of an enum, all that is required, little else. */
function exampleOf(schema: LaxValue | undefined, depth: number): LaxValue {
  if (!isLaxObject(schema) || depth > MAX_DEPTH) return {};
  if (Array.isArray(schema['enum']) && schema['enum'][0] !== undefined) return schema['enum'][0];
  if (schema['const'] !== undefined) return schema['const'];
  const wanted = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (wanted) {
    case 'string':
      return 'harbor';
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [exampleOf(schema['items'], depth + 1)];
    case 'null':
      return null;
    default:
      return objectExample(schema, depth);
  }
}

function objectExample(schema: LaxObject, depth: number): LaxObject {
  const properties = isLaxObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.fromEntries(
    required.flatMap((name) => (typeof name === 'string' ? [[name, exampleOf(properties[name], depth + 1)]] : [])),
  );
}
