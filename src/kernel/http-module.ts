/**
 * `node:http`, for what it computes and names. An `import` of it reads all its exports, `WebSocket` among them, which
 * loads an HTTP client that nobody here uses: a tenth of a second of every thread's start.
 */
export const { IncomingMessage, STATUS_CODES } = process.getBuiltinModule('node:http');
