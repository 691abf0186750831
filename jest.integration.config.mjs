// Tests with real processes in network namespaces: they need root, and say so where they do not have it.
import unit from './jest.config.mjs';

export default {
  ...unit,
  testMatch: ['<rootDir>/{packages/*,agent,ca,mesh-controller,e2e}/test/**/*.integration.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
};
