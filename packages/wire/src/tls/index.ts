export type { ClientHelloFailure } from './client-hello.ts';
export { ClientHelloReader, looksLikeTls, maxClientHelloBytes } from './client-hello.ts';
