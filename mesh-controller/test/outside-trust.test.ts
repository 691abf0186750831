import { renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, RecordingLogger, temporaryDirectory, TestCa } from '@tulle/testkit';
import { OutsideTrust } from '../src/server/outside-trust.ts';

const own = { rootsPem: 'own', signingRoot: 'AB' };
const pem = () => new TestCa().certificate.certPem;

describe('OutsideTrust', () => {
  it('adds the roots of federated trust domains to the mesh’s own, and follows their files', () => {
    using dir = temporaryDirectory();
    const [one, two] = [pem(), pem()];
    writeFileSync(dir.file('elsewhere.pem'), one);
    const clock = new FakeClock();
    const logger = new RecordingLogger();
    const federated = [{ trustDomain: 'elsewhere', bundleFile: dir.file('elsewhere.pem') }];
    using trust = new OutsideTrust({ federated, clock, logger });
    expect(trust.isExternal).toBe(false);
    expect(trust.settings(own)).toEqual({
      trust: { ...own, federated: [{ trustDomain: 'elsewhere', rootsPem: one }] },
    });
    let changes = 0;
    trust.watch(() => (changes += 1));
    const write = (text: string) => {
      writeFileSync(dir.file('new'), text);
      renameSync(dir.file('new'), dir.file('elsewhere.pem'));
      clock.advance(2000);
    };
    write('nonsense');
    expect(changes).toBe(0);
    expect(logger.lines).toMatchObject([{ level: 'error' }]);
    expect(trust.settings(own).trust?.federated).toEqual([{ trustDomain: 'elsewhere', rootsPem: one }]);
    write(two);
    expect(changes).toBe(1);
    expect(trust.settings(own).trust?.federated).toEqual([{ trustDomain: 'elsewhere', rootsPem: two }]);
  });

  it('tells agents of an external authority, whose roots are then the mesh’s', () => {
    using dir = temporaryDirectory();
    const roots = pem();
    writeFileSync(dir.file('roots.pem'), roots);
    const external = { address: 'istio-csr:443', serverName: 'istio-csr', bundleFile: dir.file('roots.pem') };
    using trust = new OutsideTrust({ external, federated: [], clock: new FakeClock(), logger: new RecordingLogger() });
    expect(trust.isExternal).toBe(true);
    expect(trust.settings(own)).toEqual({
      trust: { rootsPem: roots, signingRoot: '' },
      certificateAuthority: { address: 'istio-csr:443', serverName: 'istio-csr', rootsPem: roots },
    });
  });

  it('does not begin with a file that is no bundle, and names it', () => {
    const federated = [{ trustDomain: 'elsewhere', bundleFile: '/nowhere/roots.pem' }];
    const make = () => new OutsideTrust({ federated, clock: new FakeClock(), logger: new RecordingLogger() });
    expect(make).toThrow('/nowhere/roots.pem');
  });
});
