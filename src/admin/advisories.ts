import * as z from 'zod';
import type { JsonValue } from '../kernel/json.ts';
import { deny } from '../kernel/reasons.ts';
import { parseAdvisories, type Advisory } from '../vllm/advisories/advisory.ts';
import { standingOf } from '../vllm/advisories/standing.ts';
import { operation, type Resource } from './operation.ts';
import type { AdminDeps, PatchedUpstream } from './ports.ts';

const standingShown = z.strictObject({
  upstream: z.string(),
  version: z.string().nullable().describe('Null where it is not known; it counts as affected then.'),
  state: z.enum(['not-affected', 'patched', 'exposed']),
  by: z.array(z.string()).describe('What stops it here.'),
  todo: z.string().describe('What to do; empty where nothing is.'),
});
const advisoryShown = z.strictObject({
  id: z.string(),
  aliases: z.array(z.string()),
  summary: z.string(),
  severity: z.enum(['low', 'moderate', 'high', 'critical', 'unknown']),
  score: z.number().nullable(),
  published: z.string().nullable(),
  reach: z.enum(['blocks', 'detects', 'none']),
  upstreams: z.array(standingShown),
});

/** A file of the product's own format. */
const advisoryFile = z.looseObject({
  format: z.string().describe('`sallyport-advisories/1`.'),
  advisories: z.array(z.unknown()),
});

/** All advisories and how each upstream stands with them. */
export const advisoryList = z.strictObject({ items: z.array(advisoryShown), next: z.null() });

/** What was taken over of an import. */
export const advisoryImport = z.strictObject({ imported: z.int(), known: z.int() });

/** An advisory and how each upstream stands with it. */
export type AdvisoryShown = z.output<typeof advisoryShown>;

const example: AdvisoryShown = {
  id: 'GHSA-xxxx-xxxx-xxxx',
  aliases: ['CVE-2030-0001'],
  summary: 'A field of the request stops the server.',
  severity: 'high',
  score: 7.5,
  published: '2030-01-01',
  reach: 'blocks',
  upstreams: [{ upstream: 'main', version: '0.32.0', state: 'patched', by: ['field bad_words'], todo: '' }],
};

/** The known holes of vLLM. */
export const advisories: Resource = {
  name: 'advisories',
  schemas: {
    AdvisoryFile: advisoryFile,
    Advisory: advisoryShown,
    AdvisoryList: advisoryList,
    AdvisoryImport: advisoryImport,
  },
  operations: (deps) => [
    operation({
      id: 'listAdvisories',
      method: 'GET',
      path: '/advisories',
      scope: 'admin:read',
      summary: 'List the known holes of vLLM: not affected, patched here, or exposed, for each upstream.',
      status: 200,
      response: advisoryList,
      example: { items: [example], next: null },
      handle: () => ({ value: { items: showAdvisories(deps), next: null } }),
    }),
    operation({
      id: 'importAdvisories',
      method: 'POST',
      path: '/advisories',
      scope: 'admin:write',
      summary: "Add advisories in the product's own format to those that it comes with.",
      status: 200,
      body: advisoryFile,
      response: advisoryImport,
      example: { imported: 1, known: 94 },
      handle({ body, actor }) {
        const { advisories: read, mistakes } = parseAdvisories(body as JsonValue);
        const [mistake] = mistakes;
        if (mistake !== undefined) {
          return deny('invalid_field', { param: mistake.path, message: mistake.hint });
        }
        deps.advisories.add(read);
        deps.logChange(actor, 'advisories.import', `${read.length}`);
        return { value: { imported: read.length, known: deps.advisories.list().length } };
      },
    }),
  ],
};

/** Every advisory, newest first. */
export function showAdvisories(deps: Pick<AdminDeps, 'advisories'>): AdvisoryShown[] {
  const upstreams = deps.advisories.upstreams();
  return deps.advisories
    .list()
    .map((advisory) => show(advisory, upstreams))
    .toReversed();
}

function show(advisory: Advisory, upstreams: readonly PatchedUpstream[]): AdvisoryShown {
  const { id, aliases, summary, severity, score, published, reach } = advisory;
  return {
    id,
    aliases: [...aliases],
    summary,
    severity,
    score: score ?? null,
    published: published ?? null,
    reach,
    upstreams: upstreams.map(({ name, version, release, patches }) => {
      const { state, by, todo } = standingOf(advisory, release, patches);
      return { upstream: name, version: version ?? null, state, by: [...by], todo };
    }),
  };
}
