// Registration by number against a real server, step by step.

import assert from 'node:assert/strict';
import { deviceKeys, type HttpAnswer, type HttpOptions, http } from './http-client.js';
import type { PinGateway } from './pin-gateway.js';
import type { TestServer } from './server.js';

/** A device that has registered. */
export interface RegisteredDevice {
  readonly user: string;
  readonly deviceId: number;
  readonly token: string;
  readonly publicKey: string;
}

export class Registering {
  constructor(
    private readonly server: TestServer,
    private readonly gateway: PinGateway,
  ) {}

  call(method: string, path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
    return http(this.server.httpUrl, method, `/api/v1${path}`, options);
  }

  begin(number: string, from?: string): Promise<HttpAnswer> {
    const source = from === undefined ? {} : { from };
    return this.call('POST', '/registrations', { body: { number }, ...source });
  }

  verify(id: string, pin: string, from?: string): Promise<HttpAnswer> {
    const body = { pin, deviceKey: deviceKeys().publicKey, deviceName: 'a phone' };
    const source = from === undefined ? {} : { from };
    return this.call('POST', `/registrations/${id}/verification`, { body, ...source });
  }

  join(linkingCode: string): Promise<HttpAnswer> {
    const body = { linkingCode, deviceKey: deviceKeys().publicKey, deviceName: 'a browser' };
    return this.call('POST', '/devices', { body });
  }

  /** The id of a new registration. */
  async begun(number: string, from?: string): Promise<string> {
    const answer = await this.begin(number, from);
    assert.equal(answer.status, 202, answer.text);
    return String(answer.json.registrationId);
  }

  /** The whole way, with the PIN that came. */
  async register(number: string, from?: string): Promise<RegisteredDevice> {
    const before = this.gateway.sent.filter((message) => message.number === number).length;
    const id = await this.begun(number, from);
    const answer = await this.verify(id, await this.gateway.pin(number, before + 1), from);
    assert.equal(answer.status, 201, answer.text);
    return answer.json as unknown as RegisteredDevice;
  }

  async devices(token: string): Promise<number[]> {
    const answer = await this.call('GET', '/devices', { token });
    assert.equal(answer.status, 200, answer.text);
    return (answer.json.devices as { deviceId: number }[]).map(({ deviceId }) => deviceId);
  }
}

/** Another PIN than this one. */
export function wrongPin(pin: string): string {
  return pin === '123456' ? '654321' : '123456';
}
