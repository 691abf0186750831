// The protocol as any delta-xDS client may speak it, not only ours: subscriptions by name, stale nonces, back-pressure.
import { Client, Metadata, status, type ClientDuplexStream } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { resourceTypeUrls, type MeshDelta, type MeshService } from '@tulle/ir';
import { Events, TestController } from '../test/control-plane.ts';
import { mesh, service, workload } from '../test/mesh.ts';
import { loadDiscoveryService, type DeltaRequest, type DeltaResponse } from './discovery-service.ts';

const services = resourceTypeUrls.service;
const empty = { changed: new Map(), removed: [] };

/** A client that sends what the test says and keeps what comes. */
class RawClient implements Disposable {
  readonly responses = new Events<DeltaResponse>();
  readonly ends = new Events<{ readonly code: status; readonly details: string }>();
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Partial<DeltaRequest>, DeltaResponse>;

  constructor(controller: TestController) {
    const credentials = controller.credentials('n1');
    const options = credentials.channelOptions();
    this.#client = new Client(`127.0.0.1:${controller.port}`, credentials.channel(), options);
    const { path, requestSerialize, responseDeserialize } = loadDiscoveryService().DeltaAggregatedResources;
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    this.#call.on('data', (response: DeltaResponse) => this.responses.push(response));
    this.#call.on('error', () => {});
    this.#call.on('status', (end: { code: status; details: string }) => this.ends.push(end));
  }

  send(request: Partial<DeltaRequest>): void {
    this.#call.write(request);
  }

  ack(response: DeltaResponse): void {
    this.send({ typeUrl: response.typeUrl, responseNonce: response.nonce });
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
    this.#client.close();
  }
}

function names(response: DeltaResponse): string[] {
  return response.resources.map((resource) => resource.name);
}

function change(changed: readonly MeshService[], removed: readonly string[] = []): MeshDelta {
  const map = new Map(changed.map((one) => [`${one.namespace}/${one.name}`, one]));
  return { policies: empty, workloads: empty, services: { changed: map, removed }, endpoints: empty, routes: empty };
}

describe('delta xDS', () => {
  it('takes a first request without names as a wildcard, and answers the type asked for alone', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({ services: [service('a'), service('b')], workloads: [workload('w')] }));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: services });
    const response = await client.responses.next();
    expect(names(response)).toEqual(['shop/a', 'shop/b']);
    expect(response).toMatchObject({ systemVersionInfo: 'v1', typeUrl: services, moreFollows: false });
    expect(client.responses.all).toHaveLength(1);
  });

  it('answers a subscription even if there is nothing to send', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: services, resourceNamesSubscribe: ['*'] });
    expect(await client.responses.next()).toMatchObject({ typeUrl: services, resources: [], removedResources: [] });
  });

  it('sends only names that were subscribed to, says which are not there, and stops when asked', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({ services: [service('a'), service('b')] }));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: services, resourceNamesSubscribe: ['shop/a'] });
    const first = await client.responses.next();
    expect(names(first)).toEqual(['shop/a']);
    client.ack(first);

    client.send({ typeUrl: services, resourceNamesSubscribe: ['shop/none'] });
    const second = await client.responses.next();
    expect([names(second), second.removedResources]).toEqual([[], ['shop/none']]);
    client.ack(second);

    controller.feed.applyDelta(change([service('b', { clusterIPs: [] }), service('none')]));
    const third = await client.responses.next();
    expect(names(third)).toEqual(['shop/none']);
    client.ack(third);

    client.send({ typeUrl: services, resourceNamesUnsubscribe: ['shop/none'], resourceNamesSubscribe: ['shop/b'] });
    const fourth = await client.responses.next();
    expect(names(fourth)).toEqual(['shop/b']);
    client.ack(fourth);

    controller.feed.applyDelta(change([service('a', { clusterIPs: [] })], ['shop/none', 'shop/b']));
    const [fifth, sixth] = [await client.responses.next(), await client.responses.next()];
    expect([names(fifth), fifth.moreFollows]).toEqual([['shop/a'], true]);
    expect([sixth.removedResources, sixth.moreFollows]).toEqual([['shop/b'], false]);
  });

  it('sends nothing more until all of a change was answered, and ignores nonces that it does not know', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({ services: [service('a')] }));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: services });
    const first = await client.responses.next();
    controller.feed.applyDelta(change([service('b')]));
    controller.feed.applyDelta(change([service('c')], ['shop/b']));
    client.send({ typeUrl: services, responseNonce: 'unknown' });
    client.send({ typeUrl: services, responseNonce: 'x', errorDetail: { code: 3, message: 'not for you' } });
    client.ack(first);
    const second = await client.responses.next();
    expect([names(second), second.systemVersionInfo]).toEqual([['shop/c'], 'v3']);
    expect((await client.responses.next()).removedResources).toEqual(['shop/b']);
    expect(controller.feed.nodes()[0]).toMatchObject({ ackedVersion: 'v1' });
    expect(controller.feed.nodes()[0]).not.toHaveProperty('nack');
  });

  it('passes over types that it does not know', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({ services: [service('a')] }));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: 'type.tulle.dev/tulle.ir.v9.Later', resourceNamesSubscribe: ['*'] });
    client.send({ typeUrl: services });
    expect((await client.responses.next()).typeUrl).toBe(services);
    expect(controller.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'an agent asks for an unknown type' }),
    );
  });

  it('ends streams in order when the controller stops', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using client = new RawClient(controller);
    client.send({ node: { id: 'n1' }, typeUrl: services });
    await client.responses.next();
    controller.feed.close();
    expect(await client.ends.next()).toMatchObject({ code: status.OK });
    using late = new RawClient(controller);
    expect(await late.ends.next()).toMatchObject({ code: status.UNAVAILABLE });
  });
});
