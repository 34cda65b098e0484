import { assertNever } from '../../kernel/assert-never.ts';
import { deny, reasons, type Denial } from '../../kernel/reasons.ts';
import type { CloseCode, SocketFault } from '../../kernel/transport.ts';

/** The code by which a socket closes after a denial (RFC 6455 §7.4.1). */
export function closeCodeOf({ code }: Denial): CloseCode {
  if (code === 'draining') return 1001;
  if (code === 'body_too_large') return 1009;
  return reasons[code].status >= 500 ? 1011 : 1008;
}

/** What is said of frames that cannot be taken; the socket closes itself with the code of its fault. */
export function denialOfFault(fault: SocketFault): Denial {
  switch (fault) {
    case 'too-big':
      return deny('body_too_large', { message: 'The frame is larger than 64 KiB. Send the audio in smaller pieces.' });
    case 'binary':
      return deny('unsupported_media_type', { message: 'Send events as text frames, with the audio in base64.' });
    case 'encoding':
      return deny('invalid_encoding', { message: 'The frame is not valid UTF-8.' });
    case 'protocol':
      return deny('invalid_request', {
        message: 'The frame is none of RFC 6455: masked, without extensions, control frames of at most 125 bytes.',
      });
    default:
      return assertNever(fault);
  }
}
