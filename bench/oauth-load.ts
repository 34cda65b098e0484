import { Agent, request } from 'node:http';

/**
 * Asks a token endpoint by client credentials for some seconds and prints what came of it:
 * `node bench/oauth-load.ts URL ID:SECRET SECONDS RATE CONNECTIONS`. A rate of 0 asks as fast as it is answered.
 */
const [url = '', credentials = '', seconds = '1', rate = '0', connections = '8'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const body = 'grant_type=client_credentials&scope=inference%3Achat';
const headers = {
  authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  'content-type': 'application/x-www-form-urlencoded',
  'content-length': Buffer.byteLength(body),
};
const tookMs: number[] = [];
let errors = 0;

function ask(): Promise<void> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) tookMs.push(performance.now() - startedMs);
        else errors += 1;
        resolve();
      });
    });
    asked.on('error', () => {
      errors += 1;
      resolve();
    });
    asked.end(body);
  });
}

const endMs = performance.now() + Number(seconds) * 1000;
if (Number(rate) === 0) {
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) await ask();
  };
  await Promise.all(Array.from({ length: Number(connections) }, lane));
} else {
  const asked: Promise<void>[] = [];
  const total = Number(rate) * Number(seconds);
  const firstMs = performance.now();
  // By the clock and not one after another: a slow answer delays no question.
  while (asked.length < total) {
    const due = ((performance.now() - firstMs) * Number(rate)) / 1000;
    while (asked.length < due && asked.length < total) asked.push(ask());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(asked);
}
agent.destroy();
tookMs.sort((a, b) => a - b);
const at = (share: number) => tookMs[Math.floor(tookMs.length * share)] ?? 0;
process.stdout.write(JSON.stringify({ count: tookMs.length, errors, p50Ms: at(0.5), p99Ms: at(0.99) }));
