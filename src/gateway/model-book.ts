import { LRUCache } from 'lru-cache';
import type { Config } from '../config/schema.ts';
import type { ListedModel } from '../forward/answer-models.ts';
import type { ModelFacts } from '../vllm/fields/output-length.ts';
import { patches } from '../vllm/patches/index.ts';
import { activePatches, createPatchCheck, type PatchCheck, type PatchRow } from '../vllm/patches/patch.ts';
import { isAffected, parseRelease, type Release } from '../vllm/release.ts';
import type { KnownUpstreams } from './threads/messages.ts';

/** What the gateway knows of a model by the upstreams that serve it. */
export interface ModelEntry {
  /** Indexes of the upstreams: configured for it, and not known to lack it. */
  readonly serving: readonly number[];
  /** Indexes of the upstreams that are configured for it, whether or not they have it yet. */
  readonly configured: readonly number[];
  /** Undefined while an upstream that could serve it has not said what it serves. */
  readonly isServed: boolean | undefined;
  readonly facts: ModelFacts;
  /** The patches that any of its upstreams needs: the request may go to each of them. */
  readonly patchCheck: PatchCheck;
}

/** What is known of models. */
export interface ModelBook {
  entry(model: string): ModelEntry;
  /** The models that callers can be told of: what the upstreams list, else the names of the configuration. */
  listed(): readonly ListedModel[];
}

/** Callers make up names; those that nobody serves must not fill the memory. */
const MAX_ENTRIES = 1024;
/** The first release that knows `cache_salt`. */
const SALTED = { introduced: '0.9.0' };

/** Opens the book on what the upstreams have told. */
export function createModelBook(config: Config, known: KnownUpstreams): ModelBook {
  const entries = new LRUCache<string, ModelEntry>({ max: MAX_ENTRIES });
  const active = config.upstreams.map((_, index) => patchesOf(config, known, index));
  const checks = new Map<string, PatchCheck>();

  function checkOf(serving: readonly number[]): PatchCheck {
    // What nobody serves is refused later; until it is known, every upstream may be meant.
    const indexes = serving.length === 0 ? [...active.keys()] : serving;
    const id = indexes.join();
    let check = checks.get(id);
    if (check === undefined) {
      const rows = new Set(indexes.flatMap((index) => active[index] ?? []));
      checks.set(id, (check = createPatchCheck(allPatches(config).filter((row) => rows.has(row)))));
    }
    return check;
  }

  function look(model: string): ModelEntry {
    const serving: number[] = [];
    const configured: number[] = [];
    let contextTokens: number | undefined;
    let isKnown = false;
    for (const [index, upstream] of config.upstreams.entries()) {
      if (!upstream.models.includes('*') && !upstream.models.includes(model)) continue;
      configured.push(index);
      const list = known[index]?.models;
      const listed = list?.find(({ id }) => id === model);
      if (list !== undefined && listed === undefined) continue;
      serving.push(index);
      isKnown ||= list !== undefined;
      const own = listed?.maxModelLen;
      // Of several the least: the request may go to each of them.
      if (own !== undefined && own < (contextTokens ?? Infinity)) contextTokens = own;
    }
    const knowsSalt = serving.every((index) => isAffected(releaseOf(config, known, index), SALTED));
    return {
      serving,
      configured,
      isServed: isKnown ? true : serving.length > 0 ? undefined : false,
      facts: { contextTokens, knowsSalt },
      patchCheck: checkOf(serving),
    };
  }

  return {
    entry(model) {
      let entry = entries.get(model);
      if (entry === undefined) entries.set(model, (entry = look(model)));
      return entry;
    },
    listed() {
      const byId = new Map<string, ListedModel>();
      for (const [index, upstream] of config.upstreams.entries()) {
        const isServing = (id: string) => upstream.models.includes('*') || upstream.models.includes(id);
        const configured = upstream.models
          .filter((id) => id !== '*')
          .map((id) => ({ id, createdS: 0, maxModelLen: undefined }));
        for (const model of known[index]?.models ?? configured) {
          if (isServing(model.id) && !byId.has(model.id)) byId.set(model.id, { ...model, grantedAs: model.id });
        }
      }
      for (const [alias, name] of Object.entries(config.models.aliases)) {
        const model = byId.get(name);
        if (model !== undefined) byId.set(alias, { ...model, id: alias });
      }
      return [...byId.values()];
    },
  };
}

/** What an upstream runs: as configured, else as it says; undefined where neither tells. */
export function releaseOf(config: Config, known: KnownUpstreams, index: number): Release | undefined {
  const configured = config.upstreams[index]?.vllmVersion ?? 'auto';
  return parseRelease(configured === 'auto' ? (known[index]?.version ?? '') : configured);
}

/** The patches that are on for an upstream. */
export function patchesOf(config: Config, known: KnownUpstreams, index: number): readonly PatchRow[] {
  const { virtualPatches } = config.validation;
  const features = config.upstreams[index]?.features ?? [];
  return activePatches(allPatches(config), releaseOf(config, known, index), features, virtualPatches);
}

/** What each upstream runs, and which patches are on for it. */
export const releasesOf = (config: Config, known: KnownUpstreams) =>
  config.upstreams.map(({ name, vllmVersion }, index) => ({
    name,
    version: vllmVersion === 'auto' ? known[index]?.version : vllmVersion,
    release: releaseOf(config, known, index),
    patches: patchesOf(config, known, index),
  }));

/** The product's own patches and the operator's. */
export const allPatches = ({ validation }: Pick<Config, 'validation'>): readonly PatchRow[] => [
  ...patches,
  ...validation.patches,
];
