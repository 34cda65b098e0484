import { idleDays, useOf, type Check } from '../check.ts';

const DAYS = 30;

/** Access that was given for something once, and is still there. */
export const consentOutlived: Check = {
  id: 'consent-outlived',
  severity: 'low',
  title: `Consent that was not used for ${DAYS} days`,
  standard: 'RFC 9700 §4.14.2 (refresh token lifetime), RFC 6819 §5.1.5.3',
  mend: 'sallyport grants revoke ID',
  run: ({ consents, nowMs }) =>
    consents
      .filter((one) => one.clientState === 'active' && idleDays(one.createdAtMs, one.lastUseMs, nowMs) >= DAYS)
      .map(({ id, user, client, createdAtMs, lastUseMs }) => ({
        subject: `grants/${id}`,
        what: `What ${user} lets client ${client} do was not used for ${idleDays(createdAtMs, lastUseMs, nowMs)} days.`,
        evidence: [useOf(createdAtMs, lastUseMs)],
        mend: `sallyport grants revoke ${id}`,
      })),
};
