export * from './certificate-authority.ts';
export * from './certificate-service.ts';
export * from './file-root-store.ts';
export * from './node-identities.ts';
export * from './node-token-authenticator.ts';
export * from './rate-limiter.ts';
export * from './root-store.ts';
export * from './serving-certificate.ts';
