import { parseRelease } from '../../vllm/release.ts';
import { standingOf } from '../../vllm/advisories/standing.ts';
import type { Finding } from '../../kernel/finding.ts';
import type { Check, Installation, InstalledUpstream, Machine } from '../installation.ts';
import { tcpPlaceOf } from '../../kernel/tcp-place.ts';

/** Looks at each vLLM itself: whether it answers, asks for its key, has debugging routes, and which holes its release has. */
export const vllm: Check = async (installation, machine) =>
  (
    await Promise.all(installation.upstreams.map((upstream, index) => lookAt(upstream, index, installation, machine)))
  ).flat();

async function lookAt(
  upstream: InstalledUpstream,
  index: number,
  { advisories }: Installation,
  machine: Machine,
): Promise<readonly Finding[]> {
  const { name, url } = upstream;
  const ask = (path: string, withKey = true) => machine.askUpstream(index, path, withKey);
  const models = await ask('/v1/models');
  if (models === undefined) {
    return [
      {
        id: 'vllm_unreachable',
        severity: 'medium',
        what: `${name} does not answer on ${url}.`,
        mend: `start vLLM there, or correct upstreams[${index}].url`,
      },
    ];
  }
  if (models.status === 401) {
    return [
      {
        id: 'vllm_key_refused',
        severity: 'high',
        what: `${name} refuses the key that the gateway has for it.`,
        mend: `set upstreams[${index}].apiKey (VLLM_API_KEY) to the --api-key of vLLM`,
      },
    ];
  }
  const [simulator, bare, version, sleeping, profiler] = await Promise.all([
    ask('/_simulator/requests'),
    ask('/v1/models', false),
    ask('/version'),
    // Asked by GET they do nothing: a route that takes POST alone answers 405 where it is, 404 where it is not.
    ask('/is_sleeping'),
    ask('/start_profile'),
  ]);
  const isHere = tcpPlaceOf(url)?.isHere ?? true;
  const found: Finding[] = [];
  if (simulator?.status === 200) {
    const what = `${name} is the simulator (sallyport simulate): it has every route of every vLLM, so what it runs says nothing.`;
    return [{ id: 'simulator', severity: 'info', what, mend: `set upstreams[${index}].url to a vLLM` }];
  }
  if (bare?.status === 200) {
    found.push({
      id: 'vllm_without_key',
      severity: isHere ? 'low' : 'high',
      what: `${name} asks for no key: ${isHere ? 'every program of this machine' : 'everybody who reaches its machine'} may use it.`,
      mend: 'start vLLM with --api-key, and give it to the gateway as VLLM_API_KEY',
    });
  }
  if (sleeping !== undefined && sleeping.status !== 404) {
    found.push({
      id: 'vllm_dev_mode',
      severity: 'high',
      what: `${name} runs in development mode: it has routes that put it to sleep, run methods and show its settings.`,
      mend: 'start vLLM without VLLM_SERVER_DEV_MODE',
    });
  }
  if (profiler !== undefined && profiler.status !== 404) {
    found.push({
      id: 'vllm_profiler',
      severity: 'medium',
      what: `${name} has the routes of the profiler.`,
      mend: 'start vLLM without a profiler (--profiler-config, VLLM_TORCH_PROFILER_DIR)',
    });
  }
  found.push(
    ...exposed(upstream, advisories, upstream.version ?? versionOf(version?.text)),
    ...clockOff(name, models.dateMs, machine),
  );
  return found;
}

function exposed(
  { name, patchesFor }: InstalledUpstream,
  advisories: Installation['advisories'],
  version: string | undefined,
): Finding[] {
  const release = parseRelease(version ?? '');
  const active = patchesFor(release);
  const open = advisories.filter((one) => standingOf(one, release, active).state === 'exposed');
  const severe = open.filter(({ severity }) => severity === 'critical' || severity === 'high');
  const found: Finding[] = [];
  if (release === undefined) {
    found.push({
      id: 'vllm_version_unknown',
      severity: 'low',
      what: `The release of ${name} is not known, so all virtual patches are on.`,
      mend: 'set upstreams[].vllmVersion to the release that runs there',
    });
  }
  if (open.length > 0) {
    const ids = (severe.length > 0 ? severe : open).slice(0, 3).map(({ id }) => id);
    found.push({
      id: 'advisory_exposed',
      // What no rule over HTTP stops is also what HTTP does not reach: a reason to upgrade, not to close the door.
      severity: 'medium',
      what: `${open.length} known holes of vLLM ${version ?? '(unknown release)'} (${name}) are not stopped here, ${severe.length} of them severe: ${ids.join(', ')}${open.length > ids.length ? ' …' : ''}`,
      mend: 'sallyport advisories says for each what to do',
    });
  }
  return found;
}

function versionOf(text = ''): string | undefined {
  return /"version":\s*"([0-9A-Za-z.+-]{1,64})"/.exec(text)?.[1];
}

/** Longest difference of two clocks that is worth no word; certificates and tokens bear it. */
const TOLERANCE_MS = 60_000;

function clockOff(name: string, dateMs: number | undefined, machine: Machine): Finding[] {
  if (dateMs === undefined || Math.abs(dateMs - machine.nowMs()) <= TOLERANCE_MS) return [];
  const offS = Math.round((machine.nowMs() - dateMs) / 1000);
  return [
    {
      id: 'clock_off',
      severity: 'medium',
      what: `The clock here is ${Math.abs(offS)} s ${offS > 0 ? 'ahead of' : 'behind'} that of ${name}.`,
      mend: 'timedatectl set-ntp true, on the machine whose clock is wrong',
    },
  ];
}
