import type { Check } from '../installation.ts';

/** Whether the key that all is encrypted with lies beside it. */
export const rootKey: Check = ({ rootKey: { source, isBesideData, isMade } }) =>
  Promise.resolve(
    isBesideData
      ? [
          {
            id: 'root_key_beside_data',
            severity: isMade ? ('low' as const) : ('info' as const),
            what: isMade
              ? `The root key (keyring.rootKey: ${source}) lies in the state directory: a copy of that opens all that is encrypted in it.`
              : `The root key (keyring.rootKey: ${source}) will lie in the state directory, beside what it encrypts, once there is a client or a user.`,
            mend: isMade
              ? 'sallyport keyring rotate --new-root file:/etc/sallyport/root.key (32 random bytes, mode 0600), then keyring.rootKey the same'
              : 'keyring.rootKey: file:/etc/sallyport/root.key (openssl rand -base64 32, mode 0600), or credential:NAME under systemd',
          },
        ]
      : [],
  );
