import { ratePerMinute, type Rate } from '../../limits/gcra.ts';

/** Bytes of a second of the audio that vLLM takes: PCM16 of 16 kHz. */
const AUDIO_BYTES_A_SECOND = 32_000;

/** Audio of one API key in a minute, over all its sockets: four times as fast as it is spoken. */
export const AUDIO_RATE: Rate = ratePerMinute(4 * 60 * AUDIO_BYTES_A_SECOND);
/** What a frame costs at least, as audio: ten milliseconds of it. Else tiny frames would be without limit. */
export const LEAST_FRAME_COST = AUDIO_BYTES_A_SECOND / 100;
/** Audio since the last commit: ten minutes of it. vLLM queues it without limit, at twice the size. */
export const MAX_UNCOMMITTED_BYTES = 600 * AUDIO_BYTES_A_SECOND;
/** Silence of both sides after which a session ends. Pings do not count: they would hold a place for nothing. */
export const IDLE_MS = 120_000;

/** What a frame of so many bytes costs of the rate: the audio that it can hold as base64. */
export const frameCost = (frameBytes: number): number =>
  Math.min(AUDIO_RATE.burst, Math.max(LEAST_FRAME_COST, Math.ceil((frameBytes * 3) / 4)));
