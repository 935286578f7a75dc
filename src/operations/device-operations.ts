// Operations on the devices with which an account logs in.

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { MAX_DEVICE_ID } from '../services/devices.js';
import { removeDevice } from '../services/registration/device-keeper.js';
import { existingUser, userField } from './names.js';
import { type AnyOperation, operation } from './operation.js';
import { Refusal } from './refusal.js';

export const deviceList = operation({
  name: 'device list',
  summary: 'List the devices of an account',
  role: 'viewer',
  changes: false,
  input: z.strictObject({ user: userField }),
  output: z
    .object({
      user: z.string(),
      devices: z.array(
        z.object({
          id: z.int(),
          name: z.string(),
          created: z.int().meta({ description: 'Milliseconds since 1970.' }),
        }),
      ),
    })
    .meta({ id: 'AccountDevices' }),
  offline: true,
  look: {
    arguments: ['user'],
    print({ user, devices }) {
      if (devices.length === 0) return `${user} has no devices.`;
      return devices
        .map(({ id, name, created }) => {
          const since = new Date(created).toISOString().slice(0, 19).replace('T', ' ');
          return `${String(id).padStart(3)}  since ${since}  ${name}`;
        })
        .join('\n');
    },
  },
  async run(context, input) {
    const user = existingUser(context, input.user);
    const devices = context.services.devices
      .list(user)
      .map(({ id, name, created }) => ({ id, name, created }));
    return { user: `${user}@${context.services.settings.domain}`, devices };
  },
});

export const deviceRemove = operation({
  name: 'device remove',
  summary: 'Remove a device and end its sessions',
  role: 'operator',
  changes: true,
  input: z.strictObject({
    user: userField,
    number: z.int().min(1).max(MAX_DEVICE_ID).meta({ description: 'As the list shows it.' }),
  }),
  output: z.object({ user: z.string(), removed: z.int() }).meta({ id: 'DeviceRemoved' }),
  confirm: 'Remove device {number} of {user}? It can only come back by registering again.',
  offline: true,
  look: {
    arguments: ['user', 'number'],
    print: ({ user, removed }) => `Removed device ${removed} of ${user}.`,
  },
  async run(context, input) {
    const user = existingUser(context, input.user);
    const address = `${user}@${context.services.settings.domain}`;
    const effects = await removeDevice(context.services, user, input.number);
    if (effects === undefined) {
      throw new Refusal('device-exists', `${address} has no device ${input.number}.`, {
        advice: '`rookery device list` shows the numbers.',
        status: 404,
      });
    }
    await context.apply(effects);
    return { user: address, removed: input.number };
  },
});

const KEY_HEX_DIGITS = 64;

export const deviceAdd = operation({
  name: 'device add',
  summary: 'Add a device that has made its key itself',
  description:
    'For devices that are set up by an operator or a program instead of by a registration. It ' +
    'logs in over the compact protocol; it gets no token for the HTTP interface.',
  role: 'admin',
  changes: true,
  input: z.strictObject({
    user: userField,
    key: z
      .string()
      .regex(/^[0-9a-fA-F]+$/u)
      .length(KEY_HEX_DIGITS)
      .meta({ description: 'Its public X25519 key, in hexadecimal digits.' }),
    name: z.string().max(100).default('').meta({ description: 'As lists show it.' }),
  }),
  output: z.object({ user: z.string(), added: z.int() }).meta({ id: 'DeviceAdded' }),
  offline: true,
  look: {
    arguments: ['user', 'key'],
    print: ({ user, added }) => `Added device ${added} of ${user}.`,
  },
  async run(context, { user: written, key, name }) {
    const user = existingUser(context, written);
    const { devices, store } = context.services;
    const device = {
      key: new Uint8Array(Buffer.from(key, 'hex')),
      name,
      // Of no token: nobody can know one that hashes to this.
      tokenHash: randomBytes(KEY_HEX_DIGITS / 2).toString('hex'),
    };
    const added = await store.transaction(() => devices.add(user, device));
    if (added === undefined) {
      throw new Refusal('devices-full', `${user} has as many devices as there are numbers.`);
    }
    await context.apply([{ kind: 'RefreshDevices', user }]);
    return { user: `${user}@${context.services.settings.domain}`, added: added.id };
  },
});

export const deviceOperations: readonly AnyOperation[] = [deviceList, deviceAdd, deviceRemove];
