import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDirectory, fingerprint } from '@tulle/images';
import { CodedError } from '@tulle/core';
import { removeAbandoned } from './abandoned.ts';
import { findGo, type GoToolchain } from './golang.ts';
import type { Progress } from './progress.ts';
import { run } from './process.ts';
import { sourceDirectory } from './settings.ts';

/** What is built from one Go module of ours (`go/NAME`): its go.mod and go.sum pin everything that goes in. */
interface Recipe {
  readonly version: string;
  /** Binary names and the packages they are built from. */
  readonly binaries: Readonly<Record<string, string>>;
  /** Values set in variables of the program, by the linker. */
  readonly linkerValues?: Readonly<Record<string, string>>;
  /** The name of the test binary that `go test -c` makes of the module itself. */
  readonly testBinary?: string;
  /** Folders copied out of a module that the build uses: from the module, and where in it. */
  readonly copies?: Readonly<Record<string, { module: string; folder: string }>>;
}

const kubernetesVersion = '1.36.3';

const recipes = {
  kubernetes: {
    version: kubernetesVersion,
    binaries: Object.fromEntries(
      ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'].map(
        (name) => [name, `k8s.io/kubernetes/cmd/${name}`],
      ),
    ),
    linkerValues: {
      'k8s.io/component-base/version.gitVersion': `v${kubernetesVersion}`,
      'k8s.io/component-base/version.gitMajor': '1',
      'k8s.io/component-base/version.gitMinor': '36',
    },
  },
  etcd: { version: '3.6.14', binaries: { etcd: 'go.etcd.io/etcd/server/v3' } },
  coredns: { version: '1.15.0', binaries: { coredns: 'github.com/coredns/coredns' } },
  /** The workload that the conformance suite and our own check deploy. */
  echo: {
    version: '20260423',
    binaries: {
      client: 'istio.io/istio/pkg/test/echo/cmd/client',
      server: 'istio.io/istio/pkg/test/echo/cmd/server',
    },
  },
  pause: { version: '1', binaries: { pause: '.' } },
  /** Of one version with the suite below, which refuses other CRDs. */
  'gateway-api': {
    version: '1.7.0',
    binaries: {},
    copies: {
      crds: { module: 'sigs.k8s.io/gateway-api', folder: 'config/crd' },
      features: { module: 'sigs.k8s.io/gateway-api', folder: 'pkg/features' },
      reports: { module: 'sigs.k8s.io/gateway-api/conformance', folder: 'reports' },
    },
  },
  conformance: { version: '1.7.0', binaries: {}, testBinary: 'conformance.test' },
  /** Others' judgement of HTTP/2 and gRPC, for the proofs in `e2e/proofs`. */
  h2spec: { version: '2.2.1', binaries: { h2spec: 'github.com/summerwind/h2spec/cmd/h2spec' } },
  'grpc-interop': {
    version: '1.85.0',
    binaries: {
      client: 'google.golang.org/grpc/interop/client',
      server: 'google.golang.org/grpc/interop/server',
    },
  },
  ghz: { version: '0.121.0', binaries: { ghz: 'github.com/bojand/ghz/cmd/ghz' } },
} as const satisfies Record<string, Recipe>;

/** A part that is built: one folder of binaries in the cache. */
export type Part = keyof typeof recipes;

/** The parts that a cluster runs on; the conformance suite is built when it is asked for. */
export const clusterParts = [
  'kubernetes',
  'etcd',
  'coredns',
  'echo',
  'pause',
  'gateway-api',
] as const satisfies readonly Part[];

/** All there is to build. */
export const allParts: readonly Part[] = [...clusterParts, 'conformance'];

/** The longest that one part may build: ten times what it takes on two cores. */
const buildTimeoutMs = 3_600_000;

/** The folders of built parts. */
export type Binaries<P extends Part> = Readonly<Record<P, string>>;

/**
 * The folders that hold the wanted parts, each built now if the cache has it not. A part's folder is named after its
 * version and everything the build depends on, and appears only when it is whole.
 *
 * @throws CodedError `build-failed`
 */
export async function ensureBinaries<P extends Part>(wanted: readonly P[], progress: Progress): Promise<Binaries<P>> {
  const folders: Partial<Record<P, string>> = {};
  let toolchain: GoToolchain | undefined;
  for (const part of wanted) {
    const recipe: Recipe = recipes[part];
    const folder = join(cacheDirectory(), 'binaries', `${part}-${recipe.version}-${await recipeHash(part, recipe)}`);
    folders[part] = folder;
    if (existsSync(folder)) continue;
    toolchain ??= await findGo(progress);
    const go = toolchain;
    if (Object.keys(recipe.binaries).length > 0 || recipe.testBinary !== undefined) {
      progress.line(`${part} ${recipe.version}: building, this takes minutes`);
    }
    await progress.step(`${part} ${recipe.version} built`, async () => await build(part, recipe, folder, go));
  }
  return folders as Binaries<P>;
}

async function build(part: Part, recipe: Recipe, folder: string, { go, environment }: GoToolchain): Promise<void> {
  const partial = `${folder}.${process.pid}.tmp`;
  await removeAbandoned(dirname(folder));
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const options = { cwd: join(sourceDirectory, 'go', part), environment, timeoutMs: buildTimeoutMs };
  const values = Object.entries(recipe.linkerValues ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const flags = ['-trimpath', `-ldflags=${['-s', '-w', ...values].join(' ')}`];
  try {
    for (const [name, source] of Object.entries(recipe.binaries)) {
      await run(['nice', '-n', '15', go, 'build', ...flags, '-o', join(partial, name), source], options);
    }
    if (recipe.testBinary !== undefined) {
      const target = join(partial, recipe.testBinary);
      await run(['nice', '-n', '15', go, 'test', '-c', ...flags, '-o', target, '.'], options);
    }
    for (const [name, { module, folder: inModule }] of Object.entries(recipe.copies ?? {})) {
      const { stdout } = await run([go, 'mod', 'download', '-json', module], options);
      const { Dir: directory } = JSON.parse(stdout) as { Dir: string };
      await cp(join(directory, inModule), join(partial, name), { recursive: true });
    }
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    throw new CodedError('build-failed', `${part} ${recipe.version} did not build`, { cause });
  }
  // Another run may have been first: then its folder, the same in content, stays.
  await rename(partial, folder).catch(async (error: unknown) => {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

async function recipeHash(part: Part, recipe: Recipe): Promise<string> {
  const source = join(sourceDirectory, 'go', part);
  const names = (await readdir(source)).sort();
  const files = await Promise.all(names.map(async (name) => await readFile(join(source, name))));
  return fingerprint([process.arch, JSON.stringify(recipe), ...names, ...files]);
}
