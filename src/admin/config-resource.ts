import * as z from 'zod';
import { operation, type Resource } from './operation.ts';

const configShown = z.record(z.string(), z.unknown()).describe('In the names and units of sallyport.yaml.');

/** The configuration that is in force. */
export const configResource: Resource = {
  name: 'config',
  schemas: { Config: configShown },
  operations: (deps) => [
    operation({
      id: 'getConfig',
      method: 'GET',
      path: '/config',
      scope: 'admin:read',
      summary: 'Show the configuration in force, secrets masked.',
      status: 200,
      response: configShown,
      example: { listen: { host: '0.0.0.0', port: 8443 } },
      handle: () => ({ value: Object(deps.config()) }),
    }),
  ],
};
