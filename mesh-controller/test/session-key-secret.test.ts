import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, RecordingLogger } from '@tulle/testkit';
import { sessionKeyOfSecret } from '../src/kubernetes/session-key-secret.ts';
import { isSessionKey } from '../src/server/session-key.ts';
import { clientOf, resources, written } from './fake-cluster.ts';

const name = { namespace: 'tulle-system', name: 'tulle-session-key' };

describe('the key of sessions in a Secret', () => {
  let server: FakeApiServer;
  let client: KubernetesClient;
  let logger: RecordingLogger;

  beforeEach(async () => {
    server = await FakeApiServer.start([...Object.values(resources), ...Object.values(written)]);
    client = clientOf(server);
    logger = new RecordingLogger();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const open = () => sessionKeyOfSecret(client, name, logger);

  it('is made once, however many controllers begin at once', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    expect(isSessionKey(one ?? '')).toBe(true);
    expect([two, await open()]).toEqual([one, one]);
    expect(logger.lines).toEqual([]);
  });

  it('is not made up where the Secret holds none: the controller says so and goes on', async () => {
    server.put(written.secret, { metadata: name, data: { key: Buffer.from('short').toString('base64') } });
    expect(await open()).toBeUndefined();
    expect(logger.lines).toMatchObject([{ level: 'error', fields: name }]);
  });

  it('is done without where the API server does not answer', async () => {
    await server.close();
    expect(await open()).toBeUndefined();
    expect(logger.lines).toMatchObject([{ level: 'error' }]);
  });
});
