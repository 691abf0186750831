import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Something that a pod sees at a path of its own: a file or a directory of the playground's state. */
export interface PodMount {
  readonly source: string;
  /** Absolute. */
  readonly target: string;
  readonly type: 'file' | 'directory';
  readonly readOnly: boolean;
}

/** What there is at a path of the machine. A dangling link is `none`. */
export type PathType = 'file' | 'directory' | 'none';

/** What makes a pod's view of the file system. */
export interface SandboxPlan {
  /** Whether the root needs new entries: then the pod gets a root of its own with everything of the machine's in it. */
  readonly ownRoot: boolean;
  /** Directories that need new entries: the pod gets a writable layer over each. */
  readonly layers: readonly string[];
  readonly mounts: readonly PodMount[];
}

/** Looks at the machine's file system. */
export function pathType(path: string): PathType {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file';
  } catch {
    return 'none';
  }
}

/**
 * How to let a pod see `mounts`. A target that the machine has is mounted over, in the pod's mount namespace alone.
 * One that it does not have must not be made on the machine, so the closest directory that exists gets a layer (or,
 * if that is the root, the pod gets a root of its own).
 */
export function planSandbox(mounts: readonly PodMount[], typeOf: (path: string) => PathType = pathType): SandboxPlan {
  const layers = new Set<string>();
  let ownRoot = false;
  for (const mount of mounts) {
    if (typeOf(mount.target) === mount.type) continue;
    let ancestor = dirname(mount.target);
    while (ancestor !== '/' && typeOf(ancestor) !== 'directory') ancestor = dirname(ancestor);
    // A target below another mount is made in there.
    if (mounts.some((other) => other !== mount && isBelow(mount.target, other.target))) continue;
    if (ancestor === '/') ownRoot = true;
    else layers.add(ancestor);
  }
  const ordered = [...mounts].sort((a, b) => a.target.split('/').length - b.target.split('/').length);
  return { ownRoot, layers: [...layers].sort(), mounts: ordered };
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}

/**
 * The script that runs in a pod's new namespaces. Its arguments: the host name, a directory to work in, `root` or
 * `keep`, the layers, `--`, and then five words a mount: type, `ro` or `rw`, source, target, and whether to
 * replace a link. It says `ready` and waits for ever, holding the namespaces.
 */
export const sandboxScript = `
set -e
hostname "$1"
stage=$2
root=$3
shift 3
if [ "$root" = root ]; then
  mkdir -p "$stage/root"
  mount -t tmpfs -o mode=755 tulle-root "$stage/root"
  for entry in /* /.[!.]*; do
    new=$stage/root$entry
    if [ -L "$entry" ]; then cp -P "$entry" "$new"
    elif [ -d "$entry" ]; then mkdir "$new"; mount --rbind "$entry" "$new"
    elif [ -e "$entry" ]; then : > "$new"; mount --bind "$entry" "$new"
    fi
  done
  mkdir "$stage/root/.old"
  cd "$stage/root"
  pivot_root . .old
  umount -l /.old
  rmdir /.old
fi
if [ "$1" != -- ]; then
  mkdir -p "$stage/layers"
  mount -t tmpfs -o mode=755 tulle-layers "$stage/layers"
fi
number=0
while [ "$1" != -- ]; do
  number=$((number + 1))
  mkdir "$stage/layers/$number" "$stage/layers/$number/upper" "$stage/layers/$number/work"
  mount -t overlay -o "lowerdir=$1,upperdir=$stage/layers/$number/upper,workdir=$stage/layers/$number/work" tulle-layer "$1"
  shift
done
shift
while [ $# -gt 0 ]; do
  if [ "$5" = replace ]; then rm -f "$4"; fi
  if [ "$1" = directory ]; then mkdir -p "$4"
  elif [ ! -e "$4" ]; then mkdir -p "\${4%/*}"; : > "$4"
  fi
  mount --bind "$3" "$4"
  if [ "$2" = ro ]; then mount -o remount,bind,ro "$4"; fi
  shift 5
done
cd /
echo ready
exec sleep infinity
`;

/** The arguments of {@link sandboxScript}. */
export function sandboxArguments(hostname: string, stage: string, plan: SandboxPlan): string[] {
  const mounts = plan.mounts.flatMap((mount) => [
    mount.type,
    mount.readOnly ? 'ro' : 'rw',
    mount.source,
    mount.target,
    isDanglingLink(mount.target) ? 'replace' : 'keep',
  ]);
  return [hostname, stage, plan.ownRoot ? 'root' : 'keep', ...plan.layers, '--', ...mounts];
}

function isDanglingLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink() && pathType(path) === 'none';
  } catch {
    return false;
  }
}

/** The text of a pod's /etc/resolv.conf. */
export function resolvConf(namespace: string, dnsAddress: string): string {
  return [
    `nameserver ${dnsAddress}`,
    `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local`,
    'options ndots:5 timeout:2 attempts:2',
    '',
  ].join('\n');
}

/** The text of a pod's /etc/hosts. */
export function hostsFile(ip: string, hostname: string): string {
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', `${ip} ${hostname}`, ''].join('\n');
}

/** Where a pod's own files are below its directory of the playground's state. */
export function volumeDir(podDir: string, volume: string): string {
  return join(podDir, 'volumes', volume);
}
