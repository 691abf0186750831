import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const e2e = join(import.meta.dirname, '../..');

/** nginx, haproxy and others remove the file that a pid was written to when they end: as root, a device, too. */
const pidInDevice = /\bpid(?:[-_ ]?file)?[\s=:'"`,]+(?:\/dev\/|device)/i;

it('no program of the tests and benchmarks is told to keep its pid in a device, which it would remove', () => {
  const files = readdirSync(e2e, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|conf|cfg|ya?ml|py|sh)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/node_modules/') && path !== import.meta.filename);
  expect(files.length).toBeGreaterThan(50);
  const told = files.filter((path) => pidInDevice.test(readFileSync(path, 'utf8')));
  expect(told).toEqual([]);
  expect('pid /dev/null;').toMatch(pidInDevice);
  expect("'--pid-file', '/dev/null'").toMatch(pidInDevice);
});
