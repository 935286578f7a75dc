// What becomes of a device's sessions when the device is removed or replaced: they end, also those
// whose login is under way, and its key opens nothing any more.

import assert from 'node:assert/strict';
import type { Element } from '../../src/sdk/compact/element.js';
import { tcpDial } from '../../src/sdk/links/tcp.js';
import { webSocketDial } from '../../src/sdk/links/websocket.js';
import { type KeyPair, keyPair } from '../../src/sdk/noise/handshake.js';
import { element, PROTOCOL_NS } from '../../src/sdk/stanzas.js';
import { type LoggedIn, logIn, type SecureStream } from '../../src/sdk/stream/secure-stream.js';
import { type HttpAnswer, http } from './support/http-client.js';
import { TestServer } from './support/server.js';

interface Device {
  readonly user: string;
  readonly deviceId: number;
  readonly token: string;
  readonly serverKey: string;
  readonly identityKey: string;
  readonly webSocket: readonly string[];
  readonly compact: readonly string[];
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const offer = (key: KeyPair) => ({
  deviceKey: Buffer.from(key.publicKey).toString('base64'),
  deviceName: 'a phone',
});
const conditionOf = ({ children }: Element): string =>
  children.map((child) => (typeof child === 'string' ? '' : child.name))[0] ?? '';

/** What a stream is told until it closes. */
function ending(stream: SecureStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let last = '';
    const timer = setTimeout(() => reject(new Error(`did not end; ${last}`)), 8000);
    stream.listen({
      onElement: (each) => {
        if (each.name === 'error') last = conditionOf(each);
      },
      onKeepAlive: () => undefined,
      onClose: () => {
        clearTimeout(timer);
        resolve(last);
      },
    });
  });
}

describe('sessions of devices', function () {
  this.timeout(60_000);
  let server: TestServer;

  before(async () => {
    server = await TestServer.start({
      config: {
        compact: { listen: ['127.0.0.1:0'] },
        registration: { sender: 'development', limits: { resendSeconds: 1 } },
      },
    });
  });
  after(() => server.remove());

  const call = (method: string, path: string, body?: object, token = ''): Promise<HttpAnswer> =>
    http(server.httpUrl, method, `/api/v1${path}`, { body, ...(token === '' ? {} : { token }) });

  async function register(number: string, key: KeyPair): Promise<Device> {
    const { json } = await call('POST', '/registrations', { number });
    const path = `/registrations/${String(json.registrationId)}/verification`;
    const answer = await call('POST', path, { pin: json.developmentPin, ...offer(key) });
    assert.equal(answer.status, 201, answer.text);
    return answer.json as unknown as Device;
  }

  async function link({ token }: Device, key: KeyPair): Promise<Device> {
    const { json } = await call('POST', '/devices/links', undefined, token);
    const answer = await call('POST', '/devices', { linkingCode: json.linkingCode, ...offer(key) });
    assert.equal(answer.status, 201, answer.text);
    return answer.json as unknown as Device;
  }

  /** Logs in within the handshake; the session begins with what is sent next. */
  async function login(device: Device, key: KeyPair, overWebSocket = false): Promise<LoggedIn> {
    const [host = '', port = ''] = (device.compact[0] ?? '').split(':');
    const dial = overWebSocket
      ? webSocketDial(device.webSocket[0] ?? '')
      : tcpDial(host, Number(port));
    const user = device.user.split('@')[0] ?? '';
    const wanted = { user, device: String(device.deviceId), agent: 'test' };
    const keys = { noiseKey: bytes(device.serverKey), identity: bytes(device.identityKey) };
    return await logIn(dial, element('login', PROTOCOL_NS, wanted), key, keys);
  }

  async function refused(device: Device, key: KeyPair): Promise<void> {
    const { answer, stream } = await login(device, key);
    assert.deepEqual([answer.name, conditionOf(answer)], ['failure', 'not-authorized']);
    stream.close();
  }

  it('begin with the keys that registration gave, and with no others', async () => {
    const key = keyPair();
    const device = await register('+12015550101', key);
    for (const overWebSocket of [false, true]) {
      const { answer, stream } = await login(device, key, overWebSocket);
      assert.equal(answer.name, 'success');
      assert.equal(answer.attributes.resource, 'd1');
      stream.close();
    }
    await refused(device, keyPair());
    await refused({ ...device, deviceId: 2 }, key);
    await refused({ ...device, user: '12015559999@localhost' }, key);
  });

  it('end when the device is removed, and nobody else’s', async () => {
    const [oneKey, otherKey] = [keyPair(), keyPair()];
    const one = await register('+12015550102', oneKey);
    const other = await link(one, otherKey);
    const first = await login(one, oneKey);
    const second = await login(other, otherKey);
    const ended = ending(first.stream);
    first.stream.keepAlive();
    let closed = false;
    const alive = new Promise<void>((resolve) => {
      second.stream.listen({
        onElement: () => undefined,
        onKeepAlive: resolve,
        onClose: () => {
          closed = true;
        },
      });
    });
    second.stream.keepAlive();
    await alive;
    assert.equal((await call('DELETE', '/devices/1', undefined, other.token)).status, 204);
    assert.equal(await ended, 'not-authorized');
    await refused(one, oneKey);
    assert.equal(closed, false);
    second.stream.close();
  });

  it('do not begin after the device is removed, if the login came before', async () => {
    const [oneKey, otherKey] = [keyPair(), keyPair()];
    const one = await register('+12015550103', oneKey);
    const other = await link(one, otherKey);
    const lurking = await login(one, oneKey);
    assert.equal(lurking.answer.name, 'success');
    const ended = ending(lurking.stream);
    assert.equal((await call('DELETE', '/devices/1', undefined, other.token)).status, 204);
    // Only now does it prove that it has the key, with which its session would begin.
    lurking.stream.keepAlive();
    assert.equal(await ended, 'not-authorized');
  });

  it('end when the number is registered again, and the new device takes over', async () => {
    const [oldKey, newKey] = [keyPair(), keyPair()];
    const old = await register('+12015550104', oldKey);
    const { stream } = await login(old, oldKey, true);
    const ended = ending(stream);
    stream.keepAlive();
    await new Promise((wake) => setTimeout(wake, 1100));
    const next = await register('+12015550104', newKey);
    assert.equal(await ended, 'not-authorized');
    assert.equal(next.deviceId, 2);
    await refused(old, oldKey);
    await refused({ ...old, deviceId: 2 }, oldKey);
    const { answer, stream: taken } = await login(next, newKey);
    assert.equal(answer.name, 'success');
    taken.close();
  });

  it('outlive a restart of the server as keys', async () => {
    const key = keyPair();
    const device = await register('+12015550105', key);
    await server.stop();
    await server.restart();
    const { json } = await call('GET', '/server');
    assert.equal(json.serverKey, device.serverKey);
    const moved = { ...device, compact: json.compact as string[] };
    const { answer, stream } = await login(moved, key);
    assert.equal(answer.name, 'success');
    stream.close();
  });
});
