import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '../src/playground-client.ts';
import { TestCluster } from './support/test-cluster.ts';

const cluster = new TestCluster('connections');

beforeAll(async () => {
  await cluster.start();
});

afterAll(async () => {
  await cluster.down();
});

async function ask(...argv: readonly string[]): Promise<readonly string[]> {
  return await cluster.execJson('shop/web', ['node', 'ask.mjs', ...argv]);
}

const beaten = `
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: beaten, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: front, port: 443 }]
  rules: [{ backendRefs: [{ name: one, port: 443 }] }]
`;

describe('routes of connections', () => {
  it('a TLSRoute leads by server name, to the application and its own certificate', async () => {
    expect(await ask('front', '443', 'tls', 'two.example')).toEqual(['DNS:two.internal.example']);
    expect(await ask('front', '443', 'tls', 'any.two.example')).toEqual(['DNS:two.internal.example']);
    expect(await ask('front', '443', 'tls', 'other.example')).toEqual(['alert number 112']);
  });

  it('a TLSRoute comes before a TCPRoute, which is told so', async () => {
    cluster.write('beaten.yaml', beaten);
    await waitFor('the TCPRoute is told', 10_000, async () => {
      const { stdout } = await cluster.tulle(['describe', 'tcproute', 'shop/beaten', '--playground', cluster.name]);
      return stdout.includes('Conflicted') && stdout.includes('TLSRoute') ? true : undefined;
    });
    expect(await ask('front', '443', 'tls', 'two.example')).toEqual(['DNS:two.internal.example']);
  });

  it('a TCPRoute divides connections by weight', async () => {
    const answers = await ask('front', '9000', 'bytes', 'hello', '80');
    expect(Math.abs(answers.filter((answer) => answer === 'one').length - 60)).toBeLessThanOrEqual(3);
    expect(new Set(answers)).toEqual(new Set(['one', 'two']));
  });
});

describe('a BackendTLSPolicy', () => {
  const policy = (hostname: string, certificate: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: trusted, namespace: shop }
data:
  ca.crt: |
${certificate.replaceAll(/^/gm, '    ')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: one, namespace: shop }
spec:
  targetRefs: [{ group: '', kind: Service, name: one, sectionName: https }]
  validation:
    hostname: ${hostname}
    caCertificateRefs: [{ group: '', kind: ConfigMap, name: trusted }]
`;

  it('has clients’ plain HTTP sent in TLS, to who has the certificate that it asks for and nobody else', async () => {
    const [certificate = ''] = await ask('one', '9000', 'bytes', 'certificate');
    cluster.write('policy.yaml', policy('one.internal.example', certificate.trim()));
    await waitFor('HTTP is sent in TLS', 10_000, async () => {
      const [answer] = await ask('one', '443', 'http', '/x');
      return answer === '200 one one.internal.example /x' ? true : undefined;
    });
    cluster.edit('policy.yaml', (text) => text.replace('hostname: one.internal', 'hostname: wrong.internal'));
    await waitFor('another name is refused', 10_000, async () => {
      const [answer] = await ask('one', '443', 'http', '/x');
      return answer?.startsWith('503 ') === true ? true : undefined;
    });
    cluster.edit('policy.yaml', (text) => text.replace('name: trusted }]', 'name: missing }]'));
    await waitFor('certificates that are not there let nobody through', 10_000, async () => {
      const [answer] = await ask('one', '443', 'http', '/x');
      return /^50[03] /.test(answer ?? '') ? true : undefined;
    });
  });
});
