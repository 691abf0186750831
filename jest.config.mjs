// Tests are TypeScript, run as ES modules on the workspace's own Node; swc only strips the types.
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { target: 'es2024', parser: { syntax: 'typescript' }, experimental: { keepImportAttributes: true } },
      module: { type: 'es6' },
    },
  ],
};
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  testMatch: [
    '<rootDir>/{packages/*,agent,ca,mesh-controller,deploy/images,e2e/bench,e2e/cluster,e2e/conformance}/{src,test}/**/*.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/', '\\.integration\\.test\\.ts$'],
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  testTimeout: 20_000,
};
