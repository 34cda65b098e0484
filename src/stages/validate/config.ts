import type { DeepReadonly, Kept } from '../../kernel/deep-readonly.ts';
import * as z from 'zod';
import type { JsonValue } from '../../kernel/json.ts';
import { choice, count, flag, group, list, size } from '../../kernel/option.ts';
import { patches } from '../../vllm/patches/index.ts';
import { parsePatchRow } from '../../vllm/patches/parse-patch-row.ts';
import type { PatchRow } from '../../vllm/patches/patch.ts';
import { trySamples } from '../../vllm/patches/try-samples.ts';
import { mediaHostsOption } from './media-hosts-option.ts';
import { loraPathsOption, openRoutesOption } from './route-options.ts';
import { createSampleBodies } from './sample-bodies.ts';

/** A row of an operator's own, read by the parser of rows: all its mistakes at once, each at its place. */
const patchRow = z.unknown().transform((value, context): Kept<PatchRow> => {
  const row = parsePatchRow(value as JsonValue);
  if ('id' in row) return row as Kept<PatchRow>; // the mark is one of the type alone
  for (const { path, hint } of row) {
    context.addIssue({ code: 'custom', message: hint, path: path.split(/[.[\]]+/).filter((part) => part !== '') });
  }
  return z.NEVER;
});

/** How request bodies are checked. Parts that are not built yet accept their defaults only. */
export const validationConfig = group({
  maxBodyBytes: size('1KiB', '256MiB').prefault('8MiB').describe('Largest request body.'),
  maxUploadBytes: size('1KiB', '1GiB')
    .prefault('25MiB')
    .describe('Largest upload: a recording together with the fields of its form. vLLM takes 25MB unless told.'),
  unknownFields: choice('deny', 'drop')
    .prefault('deny')
    .describe('What happens to a field that no release of vLLM knows: the request is refused, or the field dropped.'),
  overCap: choice('lower', 'deny')
    .prefault('lower')
    .describe('What happens to an output length above its cap: it is lowered, or the request refused.'),
  virtualPatches: choice('auto', 'all', 'off')
    .prefault('auto')
    .describe('Patches that are on: those that the running version needs, every one, or none.'),
  patches: list(patchRow)
    .prefault([])
    .superRefine((rows, context) => {
      const taken = new Set(patches.map(({ id }) => id));
      for (const [index, { id }] of rows.entries()) {
        if (taken.has(id)) context.addIssue({ code: 'custom', message: `The id ${id} is taken.`, path: [index, 'id'] });
        taken.add(id);
      }
    })
    .describe('Own virtual patches: rows with id, on, when and message.'),
  controlTokens: choice('deny', 'neutralise', 'pass')
    .prefault('deny')
    .describe("What happens to spellings of the model's control tokens in texts of callers."),
  openRoutes: openRoutesOption(),
  loraPaths: loraPathsOption(),
  storedResponses: flag()
    .prefault(false)
    .describe(
      'Opens store, background and previous_response_id of /v1/responses, and its routes by id, each response to the key that made it. vLLM must run with VLLM_ENABLE_RESPONSES_API_STORE=1, and never forgets what it stores.',
    ),
  remoteMedia: group({ hosts: mediaHostsOption() }).prefault({}),
  caps: group({
    n: count(1, 128).prefault(4).describe('Answers to one request.'),
    stop: count(1, 64).prefault(4).describe('Stop strings of one request.'),
    messages: count(1, 65_536).prefault(4096).describe('Messages of one request.'),
    promptList: count(1, 1024).prefault(16).describe('Prompts of one completion request.'),
    inputList: count(1, 65_536).prefault(256).describe('Inputs of one embedding request.'),
    textBytes: size('1KiB', '256MiB').prefault('4MiB').describe('Text that a request holds in all, as UTF-8.'),
    topLogprobs: count(0, 1000).prefault(5).describe('Log probabilities for each token.'),
    tools: count(1, 4096).prefault(256).describe('Tools of one request.'),
    images: count(0, 1024).prefault(4).describe('Images of one request.'),
    audios: count(0, 64).prefault(0).describe('Audio parts of one request.'),
    videos: count(0, 64).prefault(0).describe('Videos of one request.'),
    toolBytes: size('1KiB', '64MiB').prefault('1MiB').describe('Tools of one request together, as JSON.'),
    schemaBytes: size('1KiB', '16MiB').prefault('64KiB').describe('One JSON Schema that becomes a grammar.'),
    schemaNodes: count(1, 100000).prefault(512).describe('Schemas inside one JSON Schema.'),
    schemaDepth: count(1, 64).prefault(16).describe('Schemas inside each other.'),
    mediaBytes: size('1KiB', '256MiB').prefault('8MiB').describe('Media of one request together, decoded.'),
    documents: count(1, 65536).prefault(256).describe('Documents of one request.'),
    conversations: count(1, 1024).prefault(16).describe('Conversations of one batch.'),
    sockets: count(1, 1024).prefault(1).describe('Sockets of /v1/realtime that one API key has at once.'),
  }).prefault({}),
})
  .superRefine((settings, context) => {
    const sentOf = createSampleBodies(settings);
    for (const [index, row] of settings.patches.entries()) {
      for (const { path, hint } of trySamples(row, sentOf)) {
        context.addIssue({ code: 'custom', message: hint, path: ['patches', index, path] });
      }
    }
  })
  .prefault({});

/** `validation` of the configuration; sizes in bytes. */
export type ValidationConfig = DeepReadonly<z.output<typeof validationConfig>>;
