import * as z from 'zod';
import { list } from '../../kernel/option.ts';
import { mediaHostMistake } from '../../vllm/media/media-host.ts';

/** Hosts that media are fetched from. */
export function mediaHostsOption() {
  const host = z.string({ error: 'Give a host name, such as images.example.org.' }).superRefine((text, context) => {
    const message = mediaHostMistake(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
  return list(host)
    .prefault([])
    .describe(
      'Hosts that the gateway fetches images from, over https, where callers name them by URL: exact names, or *.example.org for all beneath a name; with :port for another port than 443. Upstream gets the bytes, never a URL. While this is empty nothing is fetched.',
    );
}
