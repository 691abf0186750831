// Which way imports go (docs/architecture.md). Each package may import itself and the packages named here, no others.
const allowed = {
  'packages/core': [],
  'packages/ir': ['core'],
  'packages/gateway-api': ['core'],
  'packages/manifests': ['core', 'gateway-api'],
  'packages/translate': ['core', 'gateway-api', 'ir'],
  'packages/routing': ['core', 'ir'],
  'packages/wire': ['core'],
  'packages/identity': ['core'],
  'packages/feed': ['core', 'ir'],
  'packages/linux': ['core'],
  'packages/admin-api': ['core'],
  'packages/kubernetes': ['core'],
  'packages/playground': ['core', 'gateway-api', 'manifests', 'linux', 'admin-api'],
  'packages/testkit': ['core', 'identity'],
  'packages/cli': ['core', 'playground', 'manifests', 'gateway-api', 'translate', 'ir', 'admin-api', 'kubernetes'],
  agent: ['core', 'ir', 'routing', 'wire', 'feed', 'identity', 'linux', 'admin-api'],
  ca: ['core', 'identity', 'kubernetes'],
  'deploy/images': [],
  'mesh-controller': [
    'core',
    'ca',
    'gateway-api',
    'kubernetes',
    'manifests',
    'translate',
    'ir',
    'feed',
    'identity',
    'admin-api',
  ],
};
const place = (name) =>
  ['agent', 'ca', 'mesh-controller', 'deploy/images'].includes(name) ? name : `packages/${name}`;
const boundary = ([from, to]) => {
  const reachable = [from, ...to.map(place)].map((p) => `^${p}/`).join('|');
  return {
    name: `imports-of-${from.replaceAll('/', '-')}`,
    comment: `${from} may import only: ${to.join(', ') || 'nothing of ours'} (docs/architecture.md)`,
    severity: 'error',
    from: { path: `^${from}/src/`, pathNot: '\\.test\\.ts$' },
    to: { path: '^(packages|agent|ca|mesh-controller|e2e)/', pathNot: reachable },
  };
};

export default {
  forbidden: [
    {
      name: 'resolvable',
      comment: 'What is imported must be named in the package.json of the package that imports it.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-index-is-public',
      comment:
        'A package is used through its entries (index.ts, and what its exports name besides), never its other files.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|agent|ca|mesh-controller|deploy/images|e2e)/' },
      to: {
        path: '^(packages/[^/]+|agent|ca|mesh-controller|deploy/images)/src/',
        pathNot: [
          '^$1/',
          '/src/index\\.ts$',
          '^packages/(gateway-api/src/standard|identity/src/peer|ir/src/canonical)\\.ts$',
        ],
      },
    },
    {
      name: 'pure-packages',
      comment: 'These never touch a socket, a clock, a file or a client.',
      severity: 'error',
      from: { path: '^packages/(translate|routing|wire|ir|gateway-api)/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?(net|tls|http|https|http2|dns|dgram|timers|fs|child_process|worker_threads)(/|$)' },
    },
    ...Object.entries(allowed).map(boundary),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|generated|\\.cache)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
