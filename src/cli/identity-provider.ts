import { JsonSourceError } from '../adapters/http-client/json-source.ts';
import { issuerSource } from '../gateway/authentication.ts';
import { discover } from '../gateway/issuer-watch.ts';
import { CommandError } from './command.ts';

/** An identity provider that was found where it was said to be. */
export interface IdentityProvider {
  readonly issuer: string;
  /** What must stand in `aud` of its tokens; undefined: the public URL. */
  readonly audience: string | undefined;
}

/** Asks an identity provider for its metadata, so that a slip in its URL is found now. @throws CommandError */
export async function findProvider(issuer: string, audience: string | undefined): Promise<IdentityProvider> {
  const url = URL.parse(issuer);
  if (url === null) throw new CommandError(`${issuer} is no URL: give the issuer as its tokens write it in iss.`);
  try {
    await discover({ issuer, caPem: undefined }, issuerSource());
  } catch (error) {
    const why = error instanceof JsonSourceError ? error.message : String(error);
    throw new CommandError(
      `The identity provider cannot be used: ${why}. Correct --issuer (${issuer}/.well-known/openid-configuration must answer here, and name this very issuer), or add it later under authentication.issuers.`,
    );
  }
  return { issuer, audience };
}

/** Which claims of its tokens mean what, for whoever sets it up there. */
export function mappingText({ issuer, audience }: IdentityProvider, publicUrl: string): string {
  return `
Tokens of ${issuer} need
  aud      ${audience ?? publicUrl}
  scope    such as "inference:chat models:read": what they may do here
  models   the models they may use, a list; without it those of defaultModels
  tenant   whose they are; without it "default"
Other names of claims: scopeClaim, modelsClaim, tenantClaim beside the issuer.
`;
}
