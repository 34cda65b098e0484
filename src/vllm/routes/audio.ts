import type { RouteRow } from './route.ts';

/** Routes of speech models. */
export const audio = [
  {
    id: 'audio-transcriptions',
    path: '/v1/audio/transcriptions',
    methods: ['POST'],
    class: 'inference',
    scope: 'inference:audio',
    policy: 'open',
    family: 'transcription',
    why: 'Text of one recording, every field checked and the form written anew; vLLM knows no cache_salt here.',
  },
  {
    id: 'audio-translations',
    path: '/v1/audio/translations',
    methods: ['POST'],
    class: 'inference',
    scope: 'inference:audio',
    policy: 'open',
    family: 'transcription',
    why: 'The same in English, or the language that the body names.',
  },
  {
    id: 'realtime',
    path: '/v1/realtime',
    methods: ['GET'],
    class: 'inference',
    scope: 'inference:realtime',
    policy: 'open',
    family: 'realtime',
    isSocket: true,
    since: '0.16.0',
    why: 'Text of live audio over WebSocket: every frame checked, the model before any audio, bytes and time bounded.',
  },
] as const satisfies readonly RouteRow[];
