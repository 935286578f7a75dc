// Registration by phone number over real HTTP: the way of an honest phone, and the ways of those
// who are not. Whatever they do, they are refused, learn nothing, and stand in nobody's way.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HttpAnswer, http } from './support/http-client.js';
import { GATEWAY_SECRET, PinGateway } from './support/pin-gateway.js';
import { RawClient } from './support/raw-client.js';
import { type RegisteredDevice, Registering, wrongPin } from './support/registering.js';
import { TestServer } from './support/server.js';

const problem = ({ json }: HttpAnswer): string =>
  String(json.type).replace('urn:rookery:problem:', '');

/** Numbers of the range that is kept for stories. */
let nextNumber = 101;
const newNumber = (): string => `+12015550${String(nextNumber++).padStart(3, '0')}`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

describe('registration by number', function () {
  this.timeout(90_000);
  let server: TestServer;
  let gateway: PinGateway;
  let api: Registering;
  const secrets: string[] = [];

  before(async () => {
    gateway = await PinGateway.start();
    server = await TestServer.start({
      config: {
        log: { level: 'trace' },
        registration: {
          sender: 'webhook',
          webhook: { url: gateway.url, secret: GATEWAY_SECRET },
          limits: {
            resendSeconds: 1,
            perAddressPerHour: 40,
            verificationsPerAddressPerHour: 100,
            perNumberPerHour: 50,
            perNumberPerDay: 50,
          },
        },
      },
    });
    api = new Registering(server, gateway);
  });
  after(async () => {
    await server.remove();
    await gateway.stop();
  });

  async function register(number: string, from?: string): Promise<RegisteredDevice> {
    const device = await api.register(number, from);
    secrets.push(device.token);
    return device;
  }

  it('takes a phone from its number to a device with a token', async () => {
    const device = await register('+12015550100', '127.9.0.1');
    assert.equal(device.user, '12015550100@localhost');
    assert.equal(device.deviceId, 1);
    assert.match(device.token, /^[A-Za-z0-9_-]{43}$/u);
    assert.deepEqual(await api.devices(device.token), [1]);
    assert.match(await server.cli('account', 'list'), /^12015550100@localhost$/mu);
    const { json } = await api.call('GET', '/server');
    const answer = device as unknown as Record<string, unknown>;
    assert.equal(answer.serverKey, json.serverKey);
    assert.equal(Buffer.from(String(json.identityKey), 'base64').length, 32);
  });

  it('links a second device, and removes the first', async () => {
    const first = await register(newNumber(), '127.9.0.1');
    const link = await api.call('POST', '/devices/links', { token: first.token });
    assert.equal(link.status, 201);
    const code = String(link.json.linkingCode);
    secrets.push(code);
    const joined = await api.join(code);
    assert.equal(joined.status, 201, joined.text);
    const second = joined.json as unknown as RegisteredDevice;
    secrets.push(second.token);
    assert.deepEqual([second.user, second.deviceId], [first.user, 2]);
    assert.deepEqual(await api.devices(second.token), [1, 2]);
    const replay = await api.join(code);
    assert.deepEqual([replay.status, problem(replay)], [403, 'wrong-code']);
    const removed = await api.call('DELETE', '/devices/1', { token: second.token });
    assert.equal(removed.status, 204);
    const gone = await api.call('GET', '/devices', { token: first.token });
    assert.deepEqual([gone.status, gone.headers['www-authenticate']], [401, 'Bearer']);
    assert.deepEqual(await api.devices(second.token), [2]);
    const again = await api.call('DELETE', '/devices/1', { token: second.token });
    assert.equal(again.status, 404);
  });

  it('keeps one account’s devices out of another’s reach', async () => {
    const one = await register(newNumber(), '127.9.0.2');
    const other = await register(newNumber(), '127.9.0.2');
    await api.call('DELETE', '/devices/1', { token: other.token });
    assert.deepEqual(await api.devices(one.token), [1]);
    for (const token of ['', 'x', one.token.slice(1), `${one.token}A`, one.token.toLowerCase()]) {
      const answer = await api.call('GET', '/devices', { token });
      assert.deepEqual([answer.status, problem(answer)], [401, 'unauthorized']);
    }
  });

  it('ends every session and login of the one who had the number before', async () => {
    const number = newNumber();
    const user = number.slice(1);
    const old = await register(number, '127.9.0.3');
    await server.cli('account', 'password', user, 'secret');
    const session = new RawClient(server.endpoint, user);
    await session.login({ resource: 'd1' });
    const ended = session.until(({ name }) => name.endsWith('error'));
    // One that has logged in, but has no session yet that could be ended.
    const lurking = new RawClient(server.endpoint, user);
    await lurking.authenticatedStream({});
    await new Promise((wake) => setTimeout(wake, 1100));
    const next = await register(number, '127.9.0.4');
    assert.ok((await ended).getChild('not-authorized') !== undefined);
    await session.waitClosed();
    assert.equal(next.deviceId, 2);
    assert.equal((await api.call('GET', '/devices', { token: old.token })).status, 401);
    await assert.rejects(new RawClient(server.endpoint, user).login({}));
    await assert.rejects(lurking.bind('d7'));
    await lurking.waitClosed();
    assert.match(lurking.transcript.join(''), /not-authorized/u);
  });

  it('ends the sessions of a device that is removed, and no others', async () => {
    const number = newNumber();
    const { token } = await register(number, '127.9.0.5');
    await server.cli('account', 'password', number.slice(1), 'secret');
    const first = new RawClient(server.endpoint, number.slice(1));
    await first.login({ resource: 'd1' });
    const other = new RawClient(server.endpoint, number.slice(1));
    await other.login({ resource: 'd2' });
    assert.equal((await api.call('DELETE', '/devices/1', { token })).status, 204);
    await first.waitClosed();
    assert.equal(other.closed, false);
    await other.logout();
  });

  it('lets nobody log in with a password who has none, as if there were no account', async () => {
    const number = newNumber();
    await register(number, '127.9.0.5');
    const shape = (client: RawClient): string =>
      client.transcript
        .map((line) => line.replace(/id='[^']*'/gu, '').replace(/>[A-Za-z0-9+/=]{20,}</gu, '>…<'))
        .join('\n');
    const seen: string[] = [];
    for (const user of [number.slice(1), '12015559999']) {
      for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1'] as const) {
        const client = new RawClient(server.endpoint, user);
        await assert.rejects(client.login({ mechanism }));
        seen.push(shape(client).replaceAll(user, 'USER'));
        client.cut();
      }
    }
    assert.equal(seen[0], seen[2]);
    assert.equal(seen[1], seen[3]);
  });

  it('answers for a number with an account as for one without, in shape and in time', async () => {
    const known: string[] = [];
    for (let count = 0; count < 15; count++) {
      const number = newNumber();
      await register(number, `127.9.2.${count}`);
      known.push(number);
    }
    // A second PIN has to wait a little, as it has for everybody.
    await new Promise((wake) => setTimeout(wake, 1100));
    const times = { known: [] as number[], unknown: [] as number[] };
    const shapes = new Set<string>();
    const ask = async (number: string, from: string): Promise<number> => {
      const answer = await api.begin(number, from);
      assert.equal(answer.status, 202, answer.text);
      const values = Object.entries(answer.json).map(([key, value]) => `${key}:${typeof value}`);
      const { expiresInSeconds, resendAfterSeconds } = answer.json;
      const names = Object.keys(answer.headers).sort();
      shapes.add([values, names, answer.text.length, expiresInSeconds, resendAfterSeconds].join());
      return answer.milliseconds;
    };
    for (const [index, number] of known.entries()) {
      times.known.push(await ask(number, `127.9.3.${index}`));
      times.unknown.push(await ask(newNumber(), `127.9.3.${index}`));
    }
    assert.equal(shapes.size, 1, [...shapes].join('\n'));
    const [left, right] = [median(times.known), median(times.unknown)];
    // Both read and commit the same; what is left is the noise of a busy machine.
    assert.ok(Math.abs(left - right) < Math.max(3, Math.min(left, right)), `${left} ${right}`);
  });

  it('lets a PIN be guessed at five times, and then not even the right one be', async () => {
    const number = newNumber();
    const id = await api.begun(number, '127.9.4.1');
    const pin = await gateway.pin(number);
    for (let left = 4; left >= 0; left--) {
      const answer = await api.verify(id, wrongPin(pin), '127.9.4.1');
      assert.deepEqual([answer.status, problem(answer)], [403, 'wrong-pin']);
      assert.equal(answer.json.attemptsLeft, left);
    }
    const late = await api.verify(id, pin, '127.9.4.1');
    assert.deepEqual([late.status, problem(late)], [404, 'unknown-registration']);
    const more = await api.begin(number, '127.9.4.2');
    assert.deepEqual([more.status, problem(more)], [429, 'too-many-requests']);
    assert.ok(Number(more.headers['retry-after']) > 500);
    assert.equal(more.json.retryAfterSeconds, Number(more.headers['retry-after']));
    await register(newNumber(), '127.9.4.1');
  });

  it('takes a registration once', async () => {
    const number = newNumber();
    const id = await api.begun(number, '127.9.4.3');
    const pin = await gateway.pin(number);
    const first = await api.verify(id, pin);
    assert.equal(first.status, 201);
    secrets.push(String(first.json.token));
    const again = await api.verify(id, pin);
    assert.deepEqual([again.status, problem(again)], [404, 'unknown-registration']);
    const other = await api.begun(newNumber(), '127.9.4.3');
    const crossed = await api.verify(other, pin);
    assert.ok([403, 201].includes(crossed.status)); // One PIN in a million is the same.
    assert.deepEqual(await api.devices(String(first.json.token)), [1]);
  });

  it('lets one of forty verifications at once win', async () => {
    const number = newNumber();
    const id = await api.begun(number, '127.9.4.4');
    const pin = await gateway.pin(number);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => api.verify(id, pin, `127.9.5.${index % 4}`)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, ...Array<number>(39).fill(404)]);
    const winner = answers.find(({ status }) => status === 201);
    assert.deepEqual(await api.devices(String(winner?.json.token)), [1]);
  });

  it('refuses a flood from one address, and serves the others meanwhile', async () => {
    const flood = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let round = 0; round < 10; round++) {
        const batch = Array.from({ length: 50 }, (_, index) =>
          api.begin(`+4915112${String(round * 50 + index).padStart(6, '0')}`, '127.9.6.1'),
        );
        statuses.push(...(await Promise.all(batch)).map(({ status }) => status));
      }
      return statuses;
    };
    const flooding = flood();
    const honest: number[] = [];
    for (let count = 0; count < 5; count++) {
      const began = performance.now();
      await register(newNumber(), `127.9.7.${count}`);
      honest.push(performance.now() - began);
    }
    const statuses = await flooding;
    assert.equal(statuses.filter((status) => status === 202).length, 40);
    assert.equal(statuses.filter((status) => status === 429).length, 460);
    assert.ok(median(honest) < 3000, `${honest}`);
  });

  it('refuses a flood at one number, wherever it comes from', async () => {
    const number = newNumber();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => api.begin(number, `127.9.8.${index}`)),
    );
    assert.equal(answers.filter(({ status }) => status === 202).length, 1);
    assert.equal(answers.filter(({ status }) => status === 429).length, 99);
    await gateway.pin(number);
    assert.equal(gateway.sent.filter((message) => message.number === number).length, 1);
    await register(newNumber(), '127.9.8.1');
  });

  it('refuses a flood of verifications from one address', async () => {
    const number = newNumber();
    const id = await api.begun(number, '127.9.9.1');
    const tries = Array.from({ length: 150 }, () => api.verify('nothing', '123456', '127.9.9.2'));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    // Some are refused at the door, because an address may have so many requests at a time.
    assert.ok(statuses.filter((status) => status === 404).length <= 100);
    assert.ok(statuses.filter((status) => status === 429).length >= 50);
    assert.ok(statuses.every((status) => status === 404 || status === 429));
    assert.equal((await api.verify(id, await gateway.pin(number), '127.9.9.1')).status, 201);
  });

  it('refuses what is no number, and what is no request', async () => {
    const from = '127.9.10.1';
    const begin = async (body: unknown) => await api.call('POST', '/registrations', { body, from });
    for (const number of [
      '12',
      '+999123',
      '0170 1234567',
      '+1 900 555 0199',
      '+12015550123;ext=5',
    ]) {
      const answer = await begin({ number });
      assert.deepEqual([answer.status, problem(answer)], [400, 'invalid-number'], number);
    }
    const bodies = [
      {},
      { number: 1 },
      { number: 'x'.repeat(41) },
      { number: '+12015550123', x: 1 },
    ];
    for (const body of bodies) assert.equal((await begin(body)).status, 400);
    const huge = await begin({ number: 'x'.repeat(100_000) });
    assert.deepEqual([huge.status, problem(huge)], [413, 'too-large']);
    const headers = { 'content-type': 'text/plain' };
    const type = await api.call('POST', '/registrations', { raw: '{}', headers, from });
    assert.equal(type.status, 415);
    assert.equal((await api.call('GET', '/registrations')).status, 405);
    const id = await api.begun(newNumber(), from);
    const path = `/registrations/${id}/verification`;
    const wrongs = [
      { pin: '12345', deviceKey: 'A'.repeat(43), deviceName: 'x' },
      { pin: '123456', deviceKey: `${'A'.repeat(43)}=`, deviceName: 'x' },
      { pin: '123456', deviceKey: Buffer.alloc(31, 9).toString('base64'), deviceName: 'x' },
      { pin: '123456', deviceKey: Buffer.alloc(32, 9).toString('base64'), deviceName: 'a\nb' },
    ];
    for (const body of wrongs) {
      const answer = await api.call('POST', path, { body, from });
      assert.deepEqual([answer.status, problem(answer)], [400, 'bad-request']);
    }
    // None of these has cost an attempt.
    const answer = await api.verify(
      id,
      wrongPin(await gateway.pin(`+12015550${nextNumber - 1}`)),
      from,
    );
    assert.equal(answer.json.attemptsLeft, 4);
  });

  it('remembers limits and devices over a restart', async () => {
    const device = await register(newNumber(), '127.9.11.1');
    const flood = Array.from({ length: 60 }, (_, index) =>
      api.begin(`+4915113${String(index).padStart(6, '0')}`, '127.9.11.2'),
    );
    await Promise.all(flood);
    await server.stop();
    await server.restart();
    assert.equal((await api.begin(newNumber(), '127.9.11.2')).status, 429);
    assert.deepEqual(await api.devices(device.token), [1]);
  });

  it('shows an operator the devices, and removes one', async () => {
    const number = newNumber();
    const { token } = await register(number, '127.9.12.1');
    const user = number.slice(1);
    assert.match(await server.cli('device', 'list', user), /^ {2}1 {2}since .* a phone$/mu);
    assert.match(await server.cli('device', 'remove', user, '1'), /Removed device 1/u);
    await assert.rejects(server.cli('device', 'remove', user, '1'), /has no device 1/u);
    assert.match(await server.cli('device', 'list', user), /has no devices/u);
    assert.equal((await api.call('GET', '/devices', { token })).status, 401);
    await server.cli('account', 'delete', user);
    await assert.rejects(server.cli('device', 'list', user), /no account/u);
  });

  it('has written no PIN, token or number into its log, nor a secret to the disk', async () => {
    assert.ok(gateway.sent.length > 30 && secrets.length > 10);
    assert.equal(gateway.forged, 0);
    const output = server.log + server.readyLine;
    assert.ok(output.length < 200_000, 'the log is no longer kept as a whole');
    assert.ok(output.includes('sent a PIN'));
    for (const { pin, number } of gateway.sent) {
      assert.ok(!new RegExp(`(?<![0-9.])${pin}(?![0-9])`, 'u').test(output), pin);
      assert.ok(!output.includes(number.slice(1)), number);
    }
    const stored = readFileSync(join(server.data, 'control', 'data.mdb'), 'latin1');
    for (const secret of secrets) {
      assert.ok(!output.includes(secret));
      assert.ok(!stored.includes(secret));
    }
    for (const name of ['noise.key', 'identity.key', 'registration.key']) {
      const key = readFileSync(join(server.data, name), 'utf8').trim();
      assert.ok(!stored.includes(key) && !output.includes(key));
    }
  });
});

describe('registration by number for trying things out', function () {
  this.timeout(60_000);
  let server: TestServer;

  before(async () => {
    server = await TestServer.start({ config: { registration: { sender: 'development' } } });
  });
  after(() => server.remove());

  it('shows the PIN in the answer, and says at the start what that means', async () => {
    const body = { number: '+12015550123' };
    const answer = await http(server.httpUrl, 'POST', '/api/v1/registrations', { body });
    assert.match(String(answer.json.developmentPin), /^\d{6}$/u);
    assert.match(server.log, /can register any number/u);
    // A page that had its own name lead to this machine would see it too.
    const rebound = await http(server.httpUrl, 'POST', '/api/v1/registrations', {
      body: { number: '+12015550124' },
      headers: { host: 'evil.example.org' },
    });
    assert.equal(rebound.status, 202);
    assert.equal(rebound.json.developmentPin, undefined);
  });

  it('serves its own description', async () => {
    const answer = await http(server.httpUrl, 'GET', '/api/openapi.json');
    assert.equal(answer.json.openapi, '3.1.0');
  });

  it('tells clients, and the page, where the WebSocket is', async () => {
    const port = /\bws 127\.0\.0\.1:(\d+)/u.exec(server.readyLine)?.[1];
    const { json } = await http(server.httpUrl, 'GET', '/api/v1/server');
    const [first = ''] = json.webSocket as string[];
    assert.equal(first, `ws://127.0.0.1:${port}/ws`);
    const page = await http(server.httpUrl, 'GET', '/');
    if (page.status === 404) return; // A checkout whose page has not been built.
    const policy = String(page.headers['content-security-policy']);
    assert.ok(policy.includes(`connect-src 'self' ${first}`), policy);
  });
});

describe('registration by number when it is off', () => {
  it('is refused, and so is a configuration that lets everybody in', async () => {
    const server = await TestServer.start();
    try {
      const body = { number: '+12015550123' };
      const answer = await http(server.httpUrl, 'POST', '/api/v1/registrations', { body });
      assert.deepEqual([answer.status, problem(answer)], [403, 'registration-off']);
    } finally {
      await server.remove();
    }
    await assert.rejects(
      TestServer.start({
        config: { http: { listen: '0.0.0.0:0' }, registration: { sender: 'development' } },
      }),
      /registration\.sender is `development`/u,
    );
  });
});
