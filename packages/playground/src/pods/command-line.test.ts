import { describe, expect, it } from '@jest/globals';
import { defaultCapabilities, effectiveCapabilities, podCommandLine } from './command-line.ts';

const plain = { runAsUser: undefined, runAsGroup: undefined, addCapabilities: [], dropCapabilities: [] };
const programs = { nsenter: '/usr/bin/nsenter', setpriv: '/usr/bin/setpriv' };

describe('podCommandLine', () => {
  it('enters the namespaces, takes a working directory inside them, and gives up privileges', () => {
    const line = podCommandLine(
      { sandboxPid: 42, workingDir: '/srv/shop', privileges: plain, command: ['node', '-e', 'x y'], env: { A: '1' } },
      programs,
    );
    expect(line).toEqual({
      file: '/usr/bin/nsenter',
      args: [
        '--target=42',
        '--net',
        '--mount',
        '--uts',
        '--wdns=/srv/shop',
        '--',
        '/usr/bin/setpriv',
        '--inh-caps=-all',
        `--bounding-set=-all,${defaultCapabilities.map((each) => `+${each}`).join(',')}`,
        '--',
        'node',
        '-e',
        'x y',
      ],
      env: { A: '1' },
    });
  });

  it('becomes the user that was asked for, without the groups of root', () => {
    const privileges = { ...plain, runAsUser: 1000, runAsGroup: 2000 };
    const { args } = podCommandLine({ sandboxPid: 1, workingDir: '/', privileges, command: ['id'], env: {} }, programs);
    expect(args).toEqual(expect.arrayContaining(['--reuid=1000', '--regid=2000', '--clear-groups']));
  });
});

describe('effectiveCapabilities', () => {
  it('adds and drops single ones', () => {
    const changed = effectiveCapabilities({ ...plain, addCapabilities: ['net_admin'], dropCapabilities: ['kill'] });
    expect(changed).toContain('net_admin');
    expect(changed).not.toContain('kill');
    expect(changed).toHaveLength(defaultCapabilities.length);
  });

  it('drops all, but for what is added', () => {
    const changed = effectiveCapabilities({
      ...plain,
      addCapabilities: ['net_bind_service'],
      dropCapabilities: ['all'],
    });
    expect(changed).toEqual(['net_bind_service']);
  });
});
