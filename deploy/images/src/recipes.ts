import type { ImageConfig } from './archive.ts';
import { applicationRoot } from './application.ts';

/** What an image of ours is made of. The Dockerfile beside this folder says the same. */
export interface ImageRecipe {
  /** The name it is known by: `docker.io/tulle/agent`. */
  readonly repository: string;
  /** The package of the program. */
  readonly package: string;
  /** Debian packages, beside those that Node needs. */
  readonly debianPackages: readonly string[];
  /** Links that the packages' own scripts would have made. */
  readonly links: Readonly<Record<string, string>>;
  readonly config: ImageConfig;
}

/** What the Node binary is linked with. */
export const nodePackages = ['libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'] as const;

/** Debian picks between two iptables by alternatives; the agent uses the one that every newer kernel has. */
const iptablesLinks = Object.fromEntries(
  ['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].map((suffix) => [`/usr/sbin/${name}${suffix}`, 'xtables-nft-multi']),
  ),
);

const node = ['/usr/local/bin/node', '--disable-warning=ExperimentalWarning'] as const;
const unprivileged = '65532:65532';

function program(directory: string, user?: string): ImageConfig {
  return {
    entrypoint: [...node, `${applicationRoot}/${directory}/src/main.ts`],
    workingDirectory: applicationRoot,
    environment: { NODE_ENV: 'production' },
    labels: {
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.title': `tulle ${directory}`,
    },
    ...(user === undefined ? {} : { user }),
  };
}

/** The images of a release, by short name. */
export const imageRecipes = {
  agent: {
    repository: 'docker.io/tulle/agent',
    package: '@tulle/agent',
    // Enters the namespaces of pods and sets rules and routes there.
    debianPackages: ['iproute2', 'iptables', 'netbase', 'util-linux'],
    links: iptablesLinks,
    config: program('agent'),
  },
  'mesh-controller': {
    repository: 'docker.io/tulle/mesh-controller',
    package: '@tulle/mesh-controller',
    debianPackages: [],
    links: {},
    config: program('mesh-controller', unprivileged),
  },
  ca: {
    repository: 'docker.io/tulle/ca',
    package: '@tulle/ca',
    debianPackages: [],
    links: {},
    config: program('ca', unprivileged),
  },
  cli: {
    repository: 'docker.io/tulle/cli',
    package: '@tulle/cli',
    debianPackages: [],
    links: {},
    config: program('packages/cli', unprivileged),
  },
} as const satisfies Record<string, ImageRecipe>;

export type ImageName = keyof typeof imageRecipes;

export const imageNames = Object.keys(imageRecipes) as readonly ImageName[];
