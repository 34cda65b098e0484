import { foundWhere, type Check } from '../check.ts';

/** After an incident nobody could say what happened. */
export const nothingRecorded: Check = {
  id: 'nothing-recorded',
  severity: 'high',
  title: 'Audit log or anomaly detection is off',
  standard: 'NIST SP 800-53 AU-2, AU-12; SI-4',
  mend: 'auditLog.enabled: true, anomaly.mode: observe',
  run: ({ settings: { isAuditLogOn, anomalyMode } }) => [
    ...foundWhere(
      !isAuditLogOn,
      'config/auditLog.enabled',
      'Nothing that happens is recorded.',
      'auditLog.enabled is false',
    ),
    ...foundWhere(anomalyMode === 'off', 'config/anomaly.mode', 'Nobody looks for unusual use.', 'anomaly.mode is off'),
  ],
};
