import * as z from 'zod';
import { operation, type Resource } from './operation.ts';

const instanceList = z.strictObject({
  items: z.array(z.looseObject({}).describe('A process of the gateway and the state of its threads.')),
  next: z.null(),
});

/** The processes of this gateway. */
export const instances: Resource = {
  name: 'instances',
  schemas: { InstanceList: instanceList },
  operations: (deps) => [
    operation({
      id: 'listInstances',
      method: 'GET',
      path: '/instances',
      scope: 'admin:read',
      summary: 'List the processes of this gateway with their threads.',
      status: 200,
      response: instanceList,
      example: { items: [{ id: 'gateway-1', version: '0.1.0' }], next: null },
      handle: () => ({ value: { items: deps.instances().map((one) => ({ ...Object(one) })), next: null } }),
    }),
  ],
};
