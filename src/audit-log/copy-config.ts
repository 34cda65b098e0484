import * as z from 'zod';
import { duration, group, text } from '../kernel/option.ts';
import { destinationName, destinationUrl, fileName, peerOptions, secretText, syslogUrl } from './ship-config.ts';

const common = {
  name: destinationName(),
  every: duration('1s', '1d').prefault('60s').describe('At most one checkpoint in that time; the last of all always.'),
};

const file = group({
  ...common,
  type: z.literal('file'),
  toFile: fileName().describe('A file on another disk or machine; checkpoints are added at its end.'),
});

const syslog = group({ ...common, ...peerOptions, type: z.literal('syslog'), url: syslogUrl() });

const https = group({
  ...common,
  ...peerOptions,
  type: z.literal('https'),
  url: destinationUrl().describe('Each checkpoint is posted there, as text.'),
  token: secretText('Give the token that goes behind Bearer.').optional(),
});

const s3 = group({
  ...common,
  ...peerOptions,
  type: z.literal('s3'),
  url: destinationUrl().describe('With the bucket: https://s3.eu-central-1.amazonaws.com/BUCKET.'),
  region: text('Give a region such as eu-central-1.', (value) => /^[a-z0-9-]{1,64}$/.test(value)).prefault('us-east-1'),
  prefix: text(
    'Give the beginning of the keys: letters, digits and - _ . /',
    (value) => /^[A-Za-z0-9_-][A-Za-z0-9._/-]{0,255}$/.test(value) && !/\.\.|\/\//.test(value),
  ).prefault('audit-log/'),
  accessKeyId: secretText('Give the id of the access key.'),
  accessKeySecret: secretText('Give the secret of the access key.'),
});

/** A second place for checkpoints. */
export const copyDestination = z.discriminatedUnion(
  'type',
  [file.transform(inMs), syslog.transform(inMs), https.transform(inMs), s3.transform(inMs)],
  { error: 'Give a map with type: file, syslog, https or s3.' },
);

/** One of them, as it comes out. */
export type CopyDestination = z.output<typeof copyDestination>;

function inMs<Value extends { readonly every: number }>({ every, ...rest }: Value) {
  return { ...rest, everyMs: every };
}
