import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedLayer } from './cached-layer.ts';
import { entriesOfDirectory, type Layer, type LayerEntry } from './layer.ts';
import { runCommand } from './run-command.ts';

/** The release whose packages images are made of: the same on every machine that builds them. */
const suite = 'bookworm';

const timeoutMs = 900_000;

/** What no program needs at run time: documentation, rare character sets, and what only a package manager reads. */
const unwanted = [
  /^(dev|tmp|var|boot)(\/|$)/,
  /^etc\/(apt|cron[^/]*|dpkg|fstab|hostname|init\.d|kernel|pam\.d|resolv\.conf)(\/|$)/,
  /^usr\/share\/(bash-completion|bug|debconf|doc-base|gcc|gdb|info|lintian|locale|man|perl5|zsh)(\/|$)/,
  /^(usr\/)?lib\/(apt|dpkg|systemd|udev)(\/|$)/,
  /^usr\/lib\/[^/]*-linux-gnu\/(gconv|audit|perl[^/]*)(\/|$)/,
  /^usr\/share\/doc\/[^/]+\/(?!copyright$)/,
];

/** Users by name: programs that look one up find them. 65532 is who parts without privileges run as. */
const accounts: readonly LayerEntry[] = [
  {
    kind: 'data',
    path: '/etc/passwd',
    mode: 0o644,
    data: [
      'root:x:0:0:root:/root:/usr/sbin/nologin',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      'tulle:x:65532:65532:tulle:/nonexistent:/usr/sbin/nologin',
      '',
    ].join('\n'),
  },
  { kind: 'data', path: '/etc/group', mode: 0o644, data: 'root:x:0:\nnogroup:x:65534:\ntulle:x:65532:\n' },
  { kind: 'directory', path: '/tmp', mode: 0o1777 },
  { kind: 'directory', path: '/run', mode: 0o755 },
  { kind: 'directory', path: '/var/lib/tulle', mode: 0o755 },
];

/**
 * A layer of Debian packages and what they depend on, without a shell, a package manager's database or documentation.
 * Their maintainer scripts do not run: `links` are the symbolic links that those would have made, target by path.
 * Made once for each list of packages; `refresh` makes it anew, with the packages' newest versions.
 */
export async function debianLayer(
  packages: readonly string[],
  links: Readonly<Record<string, string>>,
  refresh: boolean,
): Promise<Layer> {
  const key = [
    suite,
    process.arch,
    ...packages,
    JSON.stringify(links),
    ...unwanted.map(({ source }) => source),
    JSON.stringify(accounts),
  ];
  return await cachedLayer('debian', key, refresh, async (write) => {
    const root = await mkdtemp(join(tmpdir(), 'tulle-debian-'));
    try {
      const include = `--include=${packages.join(',')}`;
      await runCommand(['mmdebstrap', '--mode=root', '--variant=extract', '--format=directory', include, suite, root], {
        timeoutMs,
        hint: 'It needs root and the Debian package mmdebstrap: apt-get install mmdebstrap',
      });
      const extracted = await entriesOfDirectory(root, '/', (path) => unwanted.some((pattern) => pattern.test(path)));
      const linked = Object.entries(links).map(([path, target]): LayerEntry => ({ kind: 'symlink', path, target }));
      return await write([...extracted, ...linked, ...accounts]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
}
