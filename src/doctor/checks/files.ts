import type { Check } from '../installation.ts';

/** Secrets that others of this machine could read, or have put there. */
export const files: Check = ({ privateFiles }, machine) =>
  Promise.resolve(
    privateFiles.flatMap((file) => {
      const facts = machine.facts(file);
      if (facts === undefined) return [];
      if (!facts.isOwn) {
        return [
          {
            id: 'file_of_another',
            severity: 'high' as const,
            what: `${file} belongs to another user, who can read and replace it.`,
            mend: `chown "$(id -u)" ${file}`,
          },
        ];
      }
      if ((facts.mode & 0o077) === 0) return [];
      return [
        {
          id: 'file_open_to_others',
          severity: 'high' as const,
          what: `${file} has mode ${facts.mode.toString(8).padStart(4, '0')}: others of this machine can get at it.`,
          mend: `chmod go= ${file}`,
        },
      ];
    }),
  );
