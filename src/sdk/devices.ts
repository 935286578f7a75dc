// The devices of an account, over HTTP (docs/REGISTRATION.md): each has a key of its own.

import { call } from './http.js';
import type { Account } from './registration.js';

/** A device of this user. */
export interface Device {
  readonly id: number;
  /** As it named itself. */
  readonly name: string;
  /** When it joined. */
  readonly since: Date;
  /** The one that asks. */
  readonly current: boolean;
}

/** What another device joins with. */
export interface LinkingCode {
  readonly code: string;
  readonly expiresInSeconds: number;
}

interface DeviceReply {
  deviceId: number;
  name: string;
  created: string;
  current: boolean;
}

/** All devices of the account. Throws RegistrationError. */
export async function listDevices({ http, token }: Account): Promise<Device[]> {
  const url = `${http}/api/v1/devices`;
  const { devices } = await call<{ devices: DeviceReply[] }>(url, { method: 'GET', token });
  return devices.map(({ deviceId, name, created, current }) => {
    return { id: deviceId, name, since: new Date(created), current };
  });
}

/** Removes a device: its sessions end, and it has to register again. Throws RegistrationError. */
export async function removeDevice({ http, token }: Account, id: number): Promise<void> {
  await call(`${http}/api/v1/devices/${id}`, { method: 'DELETE', token });
}

/** Asks for a code for another device, good once. Throws RegistrationError. */
export async function linkDevice({ http, token }: Account): Promise<LinkingCode> {
  const url = `${http}/api/v1/devices/links`;
  const answer = await call<{ linkingCode: string; expiresInSeconds: number }>(url, {
    method: 'POST',
    token,
  });
  return { code: answer.linkingCode, expiresInSeconds: answer.expiresInSeconds };
}
