export * from './fake-api-server.ts';
export * from './fake-clock.ts';
export * from './recording-logger.ts';
export * from './temporary-directory.ts';
export * from './test-ca.ts';
