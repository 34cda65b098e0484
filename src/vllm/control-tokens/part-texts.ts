import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Members that hold the text of a part. */
const PART_TEXTS = ['text', 'refusal', 'thinking'] as const;
/** One of them. */
export type PartText = (typeof PART_TEXTS)[number];
/** Every choice of them: vLLM and templates take parts of some kinds out, and what stood around those is neighbours. */
const SELECTIONS: readonly (readonly PartText[])[] = [
  PART_TEXTS,
  ['text', 'refusal'],
  ['text', 'thinking'],
  ['refusal', 'thinking'],
  ['text'],
  ['refusal'],
  ['thinking'],
];

/** The choices of kinds whose parts can be neighbours and that are all there; each other one is one of these again. */
export function selectionsIn(items: readonly JsonValue[]): readonly (readonly PartText[])[] {
  const present = new Set(items.map((item) => (isJsonObject(item) ? memberOfPart(item) : undefined)));
  return SELECTIONS.filter((kinds) => kinds.every((kind) => present.has(kind)));
}

/** The member of a part that holds its text. */
export const memberOfPart = (item: JsonObject): PartText | undefined =>
  PART_TEXTS.find((name) => typeof item[name] === 'string');

/** The text of a part of one of the kinds; empty for any other. */
export function textOfPart(item: JsonValue, kinds: readonly PartText[]): string {
  const member = isJsonObject(item) ? memberOfPart(item) : undefined;
  if (!isJsonObject(item) || member === undefined || !kinds.includes(member)) return '';
  const text = item[member];
  return typeof text === 'string' ? text : '';
}
