// What the HTTP interface takes and answers. The names given with `meta` are those of the OpenAPI
// document.

import { z } from 'zod';
import { isExchangeKey } from '../services/sodium.js';

const CONTROL_FREE = /^[^\p{Cc}]+$/u;

function say(detail: string) {
  return { error: () => detail };
}

const deviceKey = z
  .string(say('Write the device’s X25519 public key in Base64.'))
  .regex(/^[A-Za-z0-9+/]{43}=$/u, say('Write 32 bytes in Base64, 44 characters.'))
  .transform((text, context) => {
    const key = new Uint8Array(Buffer.from(text, 'base64'));
    if (isExchangeKey(key)) return key;
    context.issues.push({ code: 'custom', message: 'This key proves nothing.', input: text });
    return z.NEVER;
  })
  .meta({ description: 'X25519 public key of the device, 32 bytes in Base64.' });

const deviceName = z
  .string(say('Write a name of 1 to 64 characters.'))
  .trim()
  .min(1, say('Write a name of 1 to 64 characters.'))
  .max(64, say('Write a name of 1 to 64 characters.'))
  .regex(CONTROL_FREE, say('Write a name without control characters.'))
  .meta({ description: 'What the user calls the device, for their list of devices.' });

export const registrationRequest = z
  .strictObject({
    number: z
      .string(say('Write a phone number.'))
      .min(1, say('Write a phone number.'))
      .max(40, say('Write a phone number.'))
      .meta({ description: 'The phone number; with its country (`+49 …`), or beside `country`.' }),
    country: z
      .string(say('Write a country’s two letters.'))
      .regex(/^[A-Za-z]{2}$/u, say('Write a country’s two letters.'))
      .optional()
      .meta({ description: 'The country of a number that is written without one: `DE`.' }),
  })
  .meta({ id: 'RegistrationRequest' });

export const registrationReply = z
  .object({
    registrationId: z.string().meta({ description: 'Names the registration when the PIN comes.' }),
    expiresInSeconds: z.int().meta({ description: 'How long the PIN is valid.' }),
    resendAfterSeconds: z.int().meta({ description: 'When another PIN may be asked for.' }),
    developmentPin: z.string().optional().meta({
      description: 'The PIN itself; only on a server that is set up for trying things out.',
    }),
  })
  .meta({ id: 'RegistrationReply' });

export const registrationPath = z.strictObject({
  id: z.string().min(1).max(64).meta({ description: 'The `registrationId`.' }),
});

export const verificationRequest = z
  .strictObject({
    pin: z
      .string(say('Write the six digits of the PIN.'))
      .regex(/^[0-9]{6}$/u, say('Write the six digits of the PIN.')),
    deviceKey,
    deviceName,
  })
  .meta({ id: 'VerificationRequest' });

export const enrolmentReply = z
  .object({
    user: z
      .string()
      .meta({ description: 'The account’s address: the number’s digits, `@`, domain.' }),
    deviceId: z.int().meta({ description: 'The device’s number, 1 to 250.' }),
    token: z.string().meta({ description: 'Bearer token of this device for this interface.' }),
    domain: z.string(),
    serverKey: z.string().meta({ description: 'The server’s Noise static key, in Base64.' }),
    identityKey: z.string().meta({
      description: 'The Ed25519 key that vouches for the server’s keys, in Base64.',
    }),
    webSocket: z.array(z.string()).meta({ description: 'Addresses of the WebSocket listeners.' }),
    compact: z.array(z.string()).meta({
      description: 'The listeners of the compact protocol, as `host:port`.',
    }),
  })
  .meta({ id: 'EnrolmentReply', description: 'What a device needs to log in.' });

export const linkReply = z
  .object({
    linkingCode: z.string().meta({ description: 'To be typed, or scanned, on the new device.' }),
    expiresInSeconds: z.int(),
  })
  .meta({ id: 'LinkReply' });

export const joinRequest = z
  .strictObject({
    linkingCode: z.string(say('Write the linking code.')).min(1).max(40),
    deviceKey,
    deviceName,
  })
  .meta({ id: 'JoinRequest' });

export const deviceList = z
  .object({
    devices: z.array(
      z.object({
        deviceId: z.int(),
        name: z.string(),
        created: z.string().meta({ description: 'When it joined (RFC 3339).' }),
        deviceKey: z.string().meta({ description: 'Its public key, in Base64.' }),
        current: z.boolean().meta({ description: 'Whether it is the one that asks.' }),
      }),
    ),
  })
  .meta({ id: 'DeviceList' });

export const devicePath = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/u, say('Write the number of a device.'))
    .transform(Number)
    .meta({ description: 'The device’s number.' }),
});

export const serverReply = z
  .object({
    domain: z.string(),
    version: z.string(),
    registration: z.boolean().meta({ description: 'Whether numbers can register.' }),
    serverKey: z.string(),
    identityKey: z.string(),
    webSocket: z.array(z.string()),
    compact: z.array(z.string()),
  })
  .meta({ id: 'ServerReply' });
