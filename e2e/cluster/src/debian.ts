import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { CodedError } from '@tulle/core';
import type { Progress } from './progress.ts';
import { run, runToTheEnd } from './process.ts';

/** The Debian packages of the cluster, by a file that each brings. */
const packages: Readonly<Record<string, string>> = {
  conntrack: '/usr/sbin/conntrack',
  containerd: '/usr/bin/containerd',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  hostname: '/usr/bin/hostname',
  iproute2: '/usr/bin/ip',
  iptables: '/usr/sbin/iptables',
  mount: '/usr/bin/mount',
  runc: '/usr/sbin/runc',
  'util-linux': '/usr/bin/nsenter',
};

const policyFile = '/usr/sbin/policy-rc.d';
const policyMark = '# written by the tulle cluster while it installs packages';
const aptTimeoutMs = 600_000;
const commandTimeoutMs = 30_000;

/**
 * Installs the Debian packages that are missing. None of their services is started: the cluster runs a containerd of
 * its own in each node.
 *
 * @throws CodedError `debian-packages`
 */
export async function ensurePackages(
  progress: Progress,
  wanted: Readonly<Record<string, string>> = packages,
): Promise<void> {
  const missing = Object.entries(wanted)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);
  if (missing.length === 0) return;
  const withContainerd = missing.includes('containerd');
  const before = new Set(containerdProcesses());
  await progress.step(`Debian packages installed: ${missing.join(' ')}`, async () => {
    const policy = await refuseServices();
    try {
      const environment = { DEBIAN_FRONTEND: 'noninteractive' };
      const options = { environment, timeoutMs: aptTimeoutMs };
      await runToTheEnd(['apt-get', 'update', '-qq'], options);
      await runToTheEnd(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing], options);
    } catch (cause) {
      throw new CodedError('debian-packages', `apt-get could not install ${missing.join(' ')}`, { cause });
    } finally {
      await policy.lift();
    }
  });
  if (!withContainerd) return;
  // The package enables its service for the next boot, policy or not.
  if (existsSync('/usr/bin/systemctl')) {
    await run(['systemctl', 'disable', 'containerd.service'], { timeoutMs: commandTimeoutMs });
  }
  const started = containerdProcesses().filter((pid) => !before.has(pid));
  if (started.length > 0) {
    throw new CodedError(
      'service-started',
      `installing containerd started its service, as process ${started.join(', ')}`,
      {
        hint: 'systemctl disable --now containerd',
      },
    );
  }
}

function containerdProcesses(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return Number.isInteger(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'containerd\n';
      } catch {
        return false;
      }
    });
}

/** Makes invoke-rc.d refuse to start services, unless the machine already has a policy of its own. */
async function refuseServices(): Promise<{ lift(): Promise<void> }> {
  const own = !existsSync(policyFile) || (await readFile(policyFile, 'utf8')).includes(policyMark);
  if (own) await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  return {
    async lift() {
      if (own) await rm(policyFile, { force: true });
    },
  };
}
