/** What tokens of an issuer must be and what they give, already read from the configuration. */
export interface IssuerRules {
  /** `iss`, to the letter. */
  readonly issuer: string;
  /** It is our own authorization server, whose clock is ours. */
  readonly isOwn?: boolean;
  /** One of them must be in `aud`. At least one. */
  readonly audiences: readonly string[];
  /** Names of JWS algorithms; all are asymmetric. */
  readonly algorithms: readonly string[];
  /** `typ` values in lower case without `application/`; `absent` accepts tokens without one. */
  readonly acceptedTypes: readonly string[];
  readonly scopeClaim: string;
  readonly modelsClaim: string;
  readonly tenantClaim: string;
  readonly limitsClaim?: string | undefined;
  readonly groupsClaim?: string | undefined;
  /** Models of tokens without a models claim. */
  readonly defaultModels: readonly string[];
  readonly clockToleranceMs: number;
  readonly dpop: 'optional' | 'required' | 'off';
}
