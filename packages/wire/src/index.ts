export * from './http1/index.ts';
export * from './hpack/index.ts';
export * from './http2/index.ts';
export * from './tls/index.ts';
