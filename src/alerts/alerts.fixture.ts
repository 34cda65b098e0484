import { alertOf, type Alert, type AlertFacts } from './alert.ts';

/** An alert of a test. */
export const alert = (facts: Partial<AlertFacts> = {}): Alert =>
  alertOf({
    ...{ timeMs: 0, event: 'stolen-key', severity: 'warning', subject: 'key:Ab12Cd', tenant: 'default' },
    ...{ title: 'Unusual', why: '41 requests a minute', todo: () => [] },
    ...facts,
  });
