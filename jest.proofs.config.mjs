// Proofs by others' tools (h2spec, gRPC's interop suite, h2load, ghz, nginx, haproxy): minutes, and Go builds at first.
import unit from './jest.config.mjs';

export default {
  ...unit,
  testMatch: ['<rootDir>/e2e/proofs/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
};
