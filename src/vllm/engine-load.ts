/** What an engine says of its load in `/metrics`. */
export interface EngineLoad {
  /** Requests that are computed. */
  readonly running: number;
  /** Requests that wait in the engine's own queue. */
  readonly waiting: number;
  /** Part of the KV cache that is in use, 0 to 1; of several engines the fullest. Undefined where it does not say. */
  readonly cacheUsage: number | undefined;
}

const RUNNING = 'vllm:num_requests_running';
const WAITING = 'vllm:num_requests_waiting';
/** Until 0.9 the cache went by the name of the GPU. */
const USAGE = ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'];
/** More than any engine has; what says more says nonsense. */
const MOST = 1_000_000;

/**
 * Reads the load out of Prometheus text: of the series with one of few names, whatever their labels, the sum over all
 * engines. Undefined where it does not tell both counts. Takes time in proportion to the text, and keeps nothing of it.
 */
export function parseEngineLoad(text: string): EngineLoad | undefined {
  let running: number | undefined;
  let waiting: number | undefined;
  let cacheUsage: number | undefined;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (text.startsWith('vllm:', start)) {
      const line = text.slice(start, Math.min(end, start + MAX_LINE));
      const value = valueOf(line);
      const name = /^[a-z:_]+/.exec(line)?.[0] ?? '';
      if (value !== undefined && value <= MOST) {
        if (name === RUNNING) running = (running ?? 0) + value;
        else if (name === WAITING) waiting = (waiting ?? 0) + value;
        else if (USAGE.includes(name) && value <= 1) cacheUsage = Math.max(cacheUsage ?? 0, value);
      }
    }
    start = end + 1;
  }
  return running === undefined || waiting === undefined ? undefined : { running, waiting, cacheUsage };
}

const MAX_LINE = 4096;

/** The value behind name and labels; undefined where it is no number of ours. A time stamp may follow it. */
function valueOf(line: string): number | undefined {
  const labelsEnd = line.lastIndexOf('}');
  const rest = labelsEnd < 0 ? line.slice(line.indexOf(' ')) : line.slice(labelsEnd + 1);
  const text = /^ +(\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?)(?: -?\d+)?\r?$/.exec(rest)?.[1];
  return text === undefined ? undefined : Number(text);
}
