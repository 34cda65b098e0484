import type { JsonObject } from '../../kernel/json.ts';
import type { Condition } from './condition.ts';
import { EVERY_ROUTE, type PatchFamily, type PatchSample } from './patch.ts';
import { chat as chatOf } from './samples.ts';
import type { Tests } from './value-tests.ts';

const chat = (...parts: JsonObject[]): PatchSample => chatOf({}, [{ type: 'text', text: 'What is this?' }, ...parts]);
const image = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } });
const video = (url: string): JsonObject => ({ type: 'video_url', video_url: { url } });
const withField = (fields: JsonObject): PatchSample => {
  const { route, body } = chat(image(PNG));
  return { route, body: { ...body, ...fields } };
};

/** The first bytes of a PNG of 32 x 32 pixels. */
const PNG = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAYAAABzenr0';
/** A whole GIF of 1 x 1 pixel. */
const ONE_PIXEL = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=';
/** How JPEG 2000 begins: a box file, and a bare codestream. */
const JPEG_2000 = [',AAAADGpQICA', ',/0//UQ'];

/** Members that hold a medium, in chats, in Responses and in files of batches. */
const MEMBERS = ['image_url', 'input_image', 'audio_url', 'video_url', 'file_url'] as const;
/** Where the URL of a medium stands, on any route: a text, or an object with `url`; Messages have `source`. */
const URLS: readonly string[] = [
  ...MEMBERS.flatMap((name) => [`**.${name}`, `**.${name}.url`]),
  ...['**.source.url', 'images[*]'],
];
const someUrl = (tests: Tests): Condition => ({ any: URLS.map((field) => ({ field, ...tests })) });

/** Images, sounds and films, which vLLM would fetch and decode. */
export const media = [
  {
    id: 'media-remote',
    advisories: ['CVE-2025-6242', 'CVE-2026-100650', 'CVE-2026-130686'],
    releases: { introduced: '0.5.0', fixed: '0.33.0' },
    costs: 'Media by URL; as data: URLs they pass.',
    on: EVERY_ROUTE,
    when: someUrl({ is: 'text', startsWithNone: ['data:'] }),
    message: 'Send the medium itself as a data: URL: this server fetches none.',
    stops: chat(image('http://169.254.169.254/latest/meta-data/')),
    passes: chat(image(PNG)),
  },
  {
    id: 'media-url-ambiguous',
    advisories: ['CVE-2026-24779', 'CVE-2026-25960'],
    releases: { fixed: '0.17.0' },
    on: EVERY_ROUTE,
    when: someUrl({ contains: ['\\', '@', '\t', '\n', '\r'] }),
    message: 'Send a URL without backslash, "@" and line breaks.',
    stops: chat(image('https://allowed.example\\@192.0.2.7/x.png')),
    passes: chat(image('https://allowed.example/x.png')),
  },
  {
    id: 'video',
    advisories: ['CVE-2026-22778'],
    releases: { introduced: '0.8.3', fixed: '0.14.1' },
    costs: 'Films, and images in JPEG 2000.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: '**.video_url', is: 'present' },
        { field: '**.type', oneOf: ['video_url', 'input_video', 'video'] },
        someUrl({
          startsWith: ['data:image/jp2', 'data:image/jpx', 'data:image/jpm', 'data:image/j2k', 'data:video/'],
        }),
        someUrl({ contains: JPEG_2000 }),
      ],
    },
    message: 'Send an image in PNG, JPEG or WebP: films and JPEG 2000 are closed on this server.',
    stops: chat(video('data:video/mp4;base64,AAAAIGZ0eXBpc29t')),
    passes: chat(image(PNG)),
  },
  {
    id: 'video-frames',
    advisories: ['CVE-2026-34755', 'CVE-2026-5497'],
    releases: { introduced: '0.7.0', fixed: '0.19.0' },
    costs: 'Films as lists of JPEG images.',
    on: EVERY_ROUTE,
    when: someUrl({ startsWith: ['data:video/jpeg', 'data:video/jpg'] }),
    message: 'Send the film as such, not as a list of images.',
    stops: chat(video(`data:video/jpeg;base64,${'/9j/,'.repeat(5000)}`)),
    passes: chat(video('data:video/mp4;base64,AAAAIGZ0eXBpc29t')),
  },
  {
    id: 'media-count',
    advisories: ['CVE-2026-130686', 'CVE-2026-100650'],
    releases: { introduced: '0.6.0', fixed: '0.33.0' },
    costs: 'More than 4 images, or 4 other media of a kind, in one request.',
    on: EVERY_ROUTE,
    when: {
      any: [...MEMBERS, 'input_audio', 'source', 'image_pil'].map((name): Condition => ({
        field: `**.${name}`,
        is: 'filled',
        occursMoreThan: 4,
      })),
    },
    message: 'Send at most 4 media of a kind, those of earlier messages counted.',
    stops: chat(...Array.from({ length: 64 }, () => image(PNG))),
    passes: chat(...Array.from({ length: 4 }, () => image(PNG))),
  },
  {
    id: 'media-size',
    advisories: ['CVE-2026-100650'],
    releases: { introduced: '0.8.3', fixed: '0.29.0' },
    costs: 'Media of more than 8 MiB.',
    on: EVERY_ROUTE,
    when: {
      any: [someUrl({ longerThan: 11_250_000 }), { field: '**.data', longerThan: 11_250_000 }], // 8 MiB in base64
    },
    message: 'Send media of at most 8 MiB.',
    stops: chat(image(`${PNG}${'A'.repeat(11_250_000)}`)),
    passes: chat(image(PNG)),
  },
  {
    id: 'image-one-pixel',
    advisories: ['CVE-2026-22773'],
    releases: { introduced: '0.6.4', fixed: '0.12.0' },
    costs: 'Images of less than 4 pixels in width or height.',
    on: EVERY_ROUTE,
    // A side of 1 to 3 pixels passes for the colours of each pixel.
    when: { any: [someUrl({ sideBelow: 4 }), { field: '**.source.data', sideBelow: 4 }] },
    message: 'Send an image that is at least 4 pixels wide and high.',
    stops: chat(image(ONE_PIXEL)),
    passes: chat(image(PNG)),
  },
  {
    id: 'media-io-kwargs',
    advisories: ['CVE-2026-105758', 'CVE-2026-105760'],
    releases: { introduced: '0.23.0rc2', fixed: '0.30.0' },
    costs: 'How many frames of a film are looked at.',
    on: EVERY_ROUTE,
    when: { field: 'media_io_kwargs', is: 'present' },
    message: 'Leave this field out: the server decides how media are read.',
    stops: withField({ media_io_kwargs: { video: { fps: 100_000, max_frames: 10_000_000 } } }),
    passes: withField({ media_io_kwargs: null }),
  },
  {
    id: 'mm-processor-kwargs',
    advisories: ['CVE-2026-114052', 'CVE-2026-126396'],
    releases: { introduced: '0.24.0', fixed: '0.31.0' },
    costs: 'How finely an image is looked at.',
    on: EVERY_ROUTE,
    when: { field: 'mm_processor_kwargs', is: 'present' },
    message: 'Leave this field out: the server decides how media are read.',
    stops: withField({ mm_processor_kwargs: { min_pixels: 1_000_000_000 } }),
    passes: withField({ mm_processor_kwargs: null }),
  },
] as const satisfies PatchFamily;
