import type { Stage } from '../../kernel/stage.ts';
import { createGate, type GateDeps, type GateOptions } from './gate.ts';
import { createMembers } from './member.ts';
import { isDenial } from './methods/method.ts';

/** Finds the principal behind the credential, or denies. Nothing below runs for an unknown caller. */
export function createAuthenticate(options: GateOptions, deps: GateDeps): Stage<'head' | 'peer', 'principal'> {
  const gate = createGate(options, deps);
  const memberOf = createMembers();
  return {
    name: 'authenticate',
    adds: ['principal'],
    decide(x) {
      const { headers, method, path } = x.head;
      const found = gate({
        authorization: headers.get('authorization'),
        xApiKey: headers.get('x-api-key'),
        proof: headers.get('dpop'),
        method,
        path,
        peer: x.peer,
        certificate: x.downstream.certificate,
      });
      if (found instanceof Promise) return found.then(conclude);
      return conclude(found);

      function conclude(one: Awaited<typeof found>) {
        if (isDenial(one)) {
          // Where a key is tried from after it was stolen and revoked is what its owner asks the records.
          x.refused = one.whose;
          return one;
        }
        x.principal = memberOf(one, headers);
        return undefined;
      }
    },
  };
}
