// Health check of the image, which has no shell and no curl: 0 where the gateway is ready.
// SALLYPORT_HEALTH_URL names it where it listens elsewhere or without TLS.
import { request as https } from 'node:https';

// By import it would load an HTTP client, at every check.
const { request: http } = process.getBuiltinModule('node:http');
const url = process.env.SALLYPORT_HEALTH_URL ?? 'https://127.0.0.1:8443/readyz';
const ask = url.startsWith('https:') ? https : http;
// The certificate is not judged: it is for the name that callers use, and nothing is sent.
const asked = ask(url, { rejectUnauthorized: false, timeout: 4_000 }, (answer) => {
  process.exit(answer.statusCode === 200 ? 0 : 1);
});
asked.on('timeout', () => asked.destroy(new Error('no answer')));
asked.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
asked.end();
