import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rowsOf } from './body.ts';
import type { BodyKind, Check, MemberRow, Members } from './field.ts';
import { Refusal } from './refusal.ts';
import { context } from './testing.fixture.ts';

/** Type definitions of a stock SDK, without comments. */
function definitions(path: string): string {
  const text = readFileSync(new URL(`../../../node_modules/${path}.d.ts`, import.meta.url), 'utf8');
  return text.replaceAll(/\/\*\*.*?\*\//gs, '');
}
const OPENAI = definitions('openai/resources/responses/responses');
const SHARED = definitions('openai/resources/shared');
const CHAT = definitions('openai/resources/chat/completions/completions');
const COMPLETIONS = definitions('openai/resources/completions');
const EMBEDDINGS = definitions('openai/resources/embeddings');
const ANTHROPIC = definitions('@anthropic-ai/sdk/resources/messages/messages');
const BETA = definitions('@anthropic-ai/sdk/resources/beta/messages/messages');

/** Where an interface or type alias begins and ends. */
function bodyOf(text: string, name: string): string {
  const short = name.slice(name.lastIndexOf('.') + 1);
  const scope = name.includes('.') ? text.slice(text.indexOf(`declare namespace ${name.split('.')[0]} {`)) : text;
  const start = name.includes('.') ? '^\\s+' : '^export (?:declare )?';
  const found = new RegExp(`${start}(?:interface|type) ${short}\\b[^{=]*?(?: = |\\{)`, 'm').exec(scope);
  assert.ok(found !== null, name);
  const rest = scope.slice(found.index);
  const end = found[0].endsWith('{') ? /\n\s*\}\n/.exec(rest)?.index : rest.indexOf(';\n');
  return rest.slice(0, end);
}

/** Names of an interface's members. */
function membersOf(text: string, name: string): string[] {
  const lines = bodyOf(text, name).split('\n');
  const indent = /^\s*/.exec(lines.find((line) => /^\s+\w+\??:/.test(line)) ?? '')?.[0] ?? '';
  return lines.flatMap((line) => new RegExp(`^${indent}(\\w+)\\??:`).exec(line)?.[1] ?? []);
}

/** The words that a union of interfaces tells its members apart by. */
function kindsOf(text: string, union: string): string[] {
  const names = bodyOf(text, union).split(' = ')[1]?.split(' | ') ?? [];
  assert.ok(names.length > 3, union);
  return names.flatMap((name) => {
    const types = /\n\s+type\??: ([^;]+);/.exec(bodyOf(text, name))?.[1] ?? '';
    return [...types.matchAll(/'([^']+)'/g)].map(([, word]) => word ?? '');
  });
}

for (const [kind, text, name] of [
  ['chat', CHAT, 'ChatCompletionCreateParamsBase'],
  ['completions', COMPLETIONS, 'CompletionCreateParamsBase'],
  ['embeddings', EMBEDDINGS, 'EmbeddingCreateParams'],
  ['responses', OPENAI, 'ResponseCreateParamsBase'],
  ['messages', ANTHROPIC, 'MessageCreateParamsBase'],
  ['messages', BETA, 'MessageCreateParamsBase'],
  ['count-tokens', ANTHROPIC, 'MessageCountTokensParams'],
  ['count-tokens', BETA, 'MessageCountTokensParams'],
] satisfies readonly (readonly [BodyKind, string, string])[]) {
  test(`no field of ${name} in the SDK of ${text === BETA ? 'beta ' : ''}${kind} is unknown_field`, () => {
    const rows = rowsOf(kind);
    const names = membersOf(text, name);
    assert.ok(names.length >= 5, names.join(' '));
    assert.deepEqual(
      names.filter((field) => field !== 'model' && !rows.has(field)),
      [],
    );
  });
}

/** Rows of all that can stand at a path. */
function rowsAt(kind: BodyKind, path: string): readonly Members[] {
  let here: readonly Members[] = [Object.fromEntries(rowsOf(kind))];
  for (const name of path.split('.').filter((one) => one !== '')) {
    here = here.flatMap((members) => {
      const row: MemberRow | undefined = members[name];
      return row?.policy === 'pass' ? inside(row.type) : [];
    });
  }
  return here;
}
function inside({ rows, forms, item }: Check): readonly Members[] {
  return [...(rows === undefined ? [] : [rows]), ...(forms ?? []), ...(item === undefined ? [] : inside(item))];
}

for (const [kind, path, text, name] of [
  ['messages', 'tools', ANTHROPIC, 'Tool'],
  ['messages', 'tools', BETA, 'BetaTool'],
  ['messages', 'messages', BETA, 'BetaSystemMessageParam'],
  ['messages', 'messages.content', BETA, 'BetaTextBlockParam'],
  ['messages', 'messages.content', BETA, 'BetaImageBlockParam'],
  ['messages', 'messages.content', BETA, 'BetaToolUseBlockParam'],
  ['messages', 'messages.content', BETA, 'BetaToolResultBlockParam'],
  ['messages', 'messages.content', BETA, 'BetaThinkingBlockParam'],
  ['messages', 'messages.content.source', BETA, 'BetaBase64ImageSource'],
  ['messages', 'thinking', BETA, 'BetaThinkingConfigEnabled'],
  ['messages', 'thinking', BETA, 'BetaThinkingConfigAdaptive'],
  ['messages', 'output_config', BETA, 'BetaOutputConfig'],
  ['messages', 'tool_choice', BETA, 'BetaToolChoiceTool'],
  ['responses', 'tools', OPENAI, 'FunctionTool'],
  ['responses', 'text', OPENAI, 'ResponseTextConfig'],
  ['responses', 'text.format', OPENAI, 'ResponseFormatTextJSONSchemaConfig'],
  ['responses', 'reasoning', SHARED, 'Reasoning'],
  ['responses', 'input', OPENAI, 'EasyInputMessage'],
  ['responses', 'input', OPENAI, 'ResponseOutputMessage'],
  ['responses', 'input', OPENAI, 'ResponseFunctionToolCall'],
  ['responses', 'input', OPENAI, 'ResponseInputItem.FunctionCallOutput'],
  ['responses', 'input', OPENAI, 'ResponseReasoningItem'],
  ['responses', 'input.content', OPENAI, 'ResponseInputText'],
  ['responses', 'input.content', OPENAI, 'ResponseInputImage'],
  ['responses', 'input.content', OPENAI, 'ResponseOutputText'],
] satisfies readonly (readonly [BodyKind, string, string, string])[]) {
  test(`no member of the SDK's ${name} is unknown_field at ${path} of ${kind}`, () => {
    const rows = rowsAt(kind, path);
    const names = membersOf(text, name);
    assert.ok(names.length > 0);
    // All in one form: that of the kind which the interface is.
    const missing = rows.map((members) => names.filter((member) => !Object.hasOwn(members, member)));
    assert.ok(
      missing.some((list) => list.length === 0),
      JSON.stringify(missing),
    );
  });
}

function typeAt(kind: BodyKind, name: string): Check {
  const row = rowsOf(kind).get(name);
  assert.ok(row?.policy === 'pass');
  return row.type;
}

for (const [kind, text, union] of [
  ['messages', ANTHROPIC, 'ToolUnion'],
  ['messages', BETA, 'BetaToolUnion'],
  ['responses', OPENAI, 'Tool'],
] satisfies readonly (readonly [BodyKind, string, string])[]) {
  test(`every kind of tool of the SDK's ${union} is one that vLLM runs, or left out and said so`, () => {
    for (const type of kindsOf(text, union)) {
      if (type === 'function' || type === 'custom') continue;
      const here = context();
      assert.equal(typeAt(kind, 'tools')([{ type, name: 'x' }], here), undefined, type);
      assert.deepEqual(here.adjusted, ['tools=dropped'], type);
    }
  });
}

for (const [kind, field, text, union, around] of [
  ['messages', 'messages', BETA, 'BetaContentBlockParam', 'content'],
  ['responses', 'input', OPENAI, 'ResponseInputItem', 'item'],
] as const) {
  test(`every kind of the SDK's ${union} is known: read, left out, or forbidden_field`, () => {
    const check = typeAt(kind, field);
    for (const type of kindsOf(text, union)) {
      const value = around === 'content' ? [{ role: 'assistant', content: [{ type }] }] : [{ type }];
      const checked = check(value, context());
      // Its own members are missing, but the kind is not what is wrong.
      if (checked instanceof Refusal && checked.code !== 'forbidden_field')
        assert.doesNotMatch(checked.path, /type$/, type);
    }
  });
}

test("every value of the SDK's ResponseIncludable is accepted", () => {
  const words = [...bodyOf(OPENAI, 'ResponseIncludable').matchAll(/'([^']+)'/g)].map(([, word]) => word ?? '');
  assert.ok(words.length > 5);
  assert.ok(!(typeAt('responses', 'include')(words, context()) instanceof Refusal));
});
