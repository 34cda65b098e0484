import type { Check } from '../check.ts';
import { adminKeyUnrestricted } from './admin-key-unrestricted.ts';
import { adminWithoutSecondFactor } from './admin-without-second-factor.ts';
import { clientDormant } from './client-dormant.ts';
import { clientSharedSecret } from './client-shared-secret.ts';
import { consentOutlived } from './consent-outlived.ts';
import { consentToEndedClient } from './consent-to-ended-client.ts';
import { heldUndecided } from './held-undecided.ts';
import { issuerAlgorithms } from './issuer-algorithms.ts';
import { issuerOverHttp } from './issuer-over-http.ts';
import { issuerTypes } from './issuer-types.ts';
import { keyImported } from './key-imported.ts';
import { keyOld } from './key-old.ts';
import { keyUnused } from './key-unused.ts';
import { keyWithoutExpiry } from './key-without-expiry.ts';
import { keyWithoutLimit } from './key-without-limit.ts';
import { nothingRecorded } from './nothing-recorded.ts';
import { openListeners } from './open-listeners.ts';
import { personDormant } from './person-dormant.ts';
import { publicClientUnbound } from './public-client-unbound.ts';
import { redirectOverHttp } from './redirect-over-http.ts';
import { rotationOpen } from './rotation-open.ts';
import { scopeUnused } from './scope-unused.ts';
import { secondFactorNotRequired } from './second-factor-not-required.ts';
import { signingKeyOld } from './signing-key-old.ts';
import { upstreamWithoutKey } from './upstream-without-key.ts';

/** Every check of a review. */
export const checks: readonly Check[] = [
  adminWithoutSecondFactor,
  adminKeyUnrestricted,
  nothingRecorded,
  redirectOverHttp,
  keyWithoutLimit,
  keyWithoutExpiry,
  keyUnused,
  keyOld,
  keyImported,
  rotationOpen,
  scopeUnused,
  clientDormant,
  clientSharedSecret,
  publicClientUnbound,
  consentToEndedClient,
  consentOutlived,
  personDormant,
  secondFactorNotRequired,
  heldUndecided,
  issuerAlgorithms,
  issuerTypes,
  issuerOverHttp,
  signingKeyOld,
  openListeners,
  upstreamWithoutKey,
];
