import packageJson from '../../package.json' with { type: 'json' };

/** Version of this package. */
export const VERSION: string = packageJson.version;

/** By which a server's log tells the gateway's own requests apart. */
export const USER_AGENT = `sallyport/${VERSION}`;
