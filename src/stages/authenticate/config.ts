import * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { ALGORITHM_NAMES } from '../../jwt/algorithms.ts';
import { choice, duration, flag, group, issuerUrl, list, text } from '../../kernel/option.ts';

/** A certificate by one of its names, and the API key that it stands for. */
const principal = group({
  san: text(
    'Give a DNS name, URI or e-mail address of the certificate, such as agent.example.org or spiffe://org/agent.',
  )
    .optional()
    .describe('Subject alternative name of the certificate.'),
  subject: text('Give the common name of the certificate.').optional().describe('Common name of its subject.'),
  key: text('Give the id of an API key, as keys list shows it.', (value) => /^[A-Za-z0-9]{6}$/.test(value)).describe(
    'Id of the API key that the certificate stands for.',
  ),
}).refine(({ san, subject }) => (san === undefined) !== (subject === undefined), {
  error: 'Give either san or subject.',
});

const claim = (name: string, what: string) =>
  text('Give the name of a claim, or the path to it such as realm_access.roles.').prefault(name).describe(what);

/** RFC 7662, for tokens that are no JWT. */
const introspection = group({
  endpoint: issuerUrl('Give the https URL of the introspection endpoint, without query.')
    .optional()
    .describe('Where tokens are asked about; left out, the issuer\u2019s metadata says it.'),
  clientId: text('Give the client id by which the gateway asks.').describe('Client id of the gateway at the issuer.'),
  clientSecret: text('Give the secret of that client, best as ${env:NAME} or ${file:PATH}.').describe('Its secret.'),
  cacheFor: duration('0s', '10m')
    .prefault('30s')
    .describe('How long an answer counts: a token that was revoked at the issuer works no longer than this.'),
}).transform(({ cacheFor, ...rest }) => ({ ...rest, cacheForMs: cacheFor }));

/** An issuer of access tokens. */
const issuer = group({
  issuer: issuerUrl('Give the issuer as its tokens write it in iss: an https URL without query or fragment.').describe(
    'The issuer, to the letter as in iss.',
  ),
  audience: z
    .union([text('Give a text.'), list(text('Give a text.')).min(1)], { error: 'Give an audience, or a list of them.' })
    .optional()
    .describe('What must stand in aud: one of these; left out, listen.publicUrl.'),
  jwksUri: issuerUrl('Give the https URL of its key set, without query.')
    .optional()
    .describe('Where its keys are; left out, found by discovery.'),
  caFile: text('Give the path of a CA.').optional().describe('PEM file with the CA of its certificate.'),
  algorithms: list(choice(...(ALGORITHM_NAMES as [string, ...string[]])))
    .min(1, { error: 'Give at least one algorithm, or leave it out.' })
    .prefault([...ALGORITHM_NAMES])
    .describe('Signature algorithms that are accepted.'),
  acceptedTypes: list(text('Give a typ such as at+jwt, or absent.'))
    .min(1, { error: 'Give at least one type.' })
    .prefault(['at+jwt', 'JWT'])
    .transform((types) => types.map((type) => type.toLowerCase().replace(/^application\//, '')))
    .describe('Values of the header typ that are accepted; absent accepts tokens without it.'),
  scopeClaim: claim('scope', 'Claim with the scopes.'),
  modelsClaim: claim('models', 'Claim with the models.'),
  tenantClaim: claim('tenant', 'Claim with the tenant.'),
  groupsClaim: text('Give the name of a claim.').optional().describe('Claim with the groups of the caller.'),
  limitsClaim: text('Give the name of a claim.')
    .optional()
    .describe('Claim with limits of its own: an object of rpm and concurrency.'),
  defaultModels: list(text('Give the name of a model, or * for all.'))
    .prefault([])
    .describe('Models of tokens without the models claim.'),
  clockTolerance: duration('0s', '60s').prefault('5s').describe('How far its clock and ours may differ.'),
  jwksMaxAge: duration('1s', '1d').prefault('10m').describe('How often its keys are fetched anew.'),
  introspection: introspection.optional(),
  dpop: choice('optional', 'required', 'off')
    .prefault('optional')
    .describe('Whether its tokens may, must or must not be bound to a key of the caller (RFC 9449).'),
}).transform(({ clockTolerance, jwksMaxAge, ...rest }) => ({
  ...rest,
  clockToleranceMs: clockTolerance,
  jwksMaxAgeMs: jwksMaxAge,
}));

/** The methods by which a caller may show who it is. */
export const authenticationConfig = group({
  apiKeys: group({ enabled: flag().prefault(true).describe('Whether API keys are accepted.') }).prefault({}),
  issuers: list(issuer).prefault([]).describe('Issuers whose access tokens are accepted.'),
  mtls: group({
    required: flag()
      .prefault(false)
      .describe('Whether every request needs a valid client certificate, whatever other credential it has.'),
    principals: list(principal).prefault([]).describe('Certificates that stand for an API key without its value.'),
  }).prefault({}),
}).prefault({});

/** The methods as they come out. */
export type AuthenticationConfig = DeepReadonly<z.output<typeof authenticationConfig>>;
