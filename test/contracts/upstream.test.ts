import { createHttpUpstream } from '../../src/adapters/http-client/upstream.ts';
import { upstreamContract } from './upstream.ts';

const NO_TLS = { caPem: undefined, serverName: undefined, certPem: undefined, keyPem: undefined };

upstreamContract('http-client', (url, timeouts) => createHttpUpstream({ url, tls: NO_TLS }, timeouts));
