// The devices of an account, over HTTP, and what a client should know of the server.

import type { z } from 'zod';
import type { Device } from '../services/devices.js';
import type { EnrolledDevice } from '../services/registration/enrolment.js';
import { type ApiParts, base64, limited } from './api-parts.js';
import {
  deviceList,
  devicePath,
  enrolmentReply,
  joinRequest,
  linkReply,
  serverReply,
} from './api-schemas.js';
import { Problem } from './problem.js';
import { type Route, route } from './route.js';

const UNAUTHORIZED = { description: 'The token is missing or not valid any more.' };
const LIMITED = { description: 'Too many of these; see `Retry-After`.' };
const FULL = { description: 'The account has as many devices as it may have.' };

function authorised(parts: ApiParts, token: string): Device {
  const device = parts.keeper.authorised(token);
  if (device === undefined) throw new Problem(401, 'unauthorized');
  return device;
}

/** What a device is told that has joined. */
export function enrolmentBody(
  parts: ApiParts,
  { device, token }: EnrolledDevice,
  host: string,
): z.infer<typeof enrolmentReply> {
  const { webSocket, compact } = parts.endpoints(host);
  return {
    user: `${device.user}@${parts.domain}`,
    deviceId: device.id,
    token,
    domain: parts.domain,
    serverKey: base64(parts.identity.publicKey),
    identityKey: base64(parts.identity.identityKey),
    webSocket: [...webSocket],
    compact: [...compact],
  };
}

function linkRoute(parts: ApiParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/devices/links',
    operation: 'linkDevice',
    summary: 'Get a code for another device',
    description: 'Whoever gives the code within its time joins this account, once.',
    bearer: true,
    responses: {
      201: { description: 'The code.', schema: linkReply },
      401: UNAUTHORIZED,
      409: FULL,
      429: LIMITED,
    },
    async handle({ token }) {
      const result = await parts.keeper.link(authorised(parts, token));
      if (result.kind === 'limited') throw limited(result.seconds, 'Too many linking codes.');
      if (result.kind === 'full') throw new Problem(409, 'too-many-devices');
      const { code: linkingCode, expiresInSeconds } = result;
      return { status: 201, body: { linkingCode, expiresInSeconds } };
    },
  });
}

function joinRoute(parts: ApiParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/devices',
    operation: 'addDevice',
    summary: 'Join an account with a linking code',
    body: joinRequest,
    responses: {
      201: { description: 'The device has joined.', schema: enrolmentReply },
      400: { description: 'Something in the request is not right.' },
      403: { description: 'The code is wrong, used or expired.' },
      409: FULL,
      429: LIMITED,
    },
    async handle({ body, address, host }) {
      const device = { key: body.deviceKey, name: body.deviceName };
      const result = await parts.keeper.join(body.linkingCode, device, address);
      switch (result.kind) {
        case 'limited':
          throw limited(result.seconds, 'Too many codes were tried from this address.');
        case 'wrong-code':
          throw new Problem(403, 'wrong-code');
        case 'full':
          throw new Problem(409, 'too-many-devices');
        case 'joined':
          await parts.apply(result.effects);
          return { status: 201, body: enrolmentBody(parts, result.enrolled, host) };
      }
    },
  });
}

function listRoute(parts: ApiParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/devices',
    operation: 'listDevices',
    summary: 'The account’s devices',
    bearer: true,
    responses: {
      200: { description: 'The devices.', schema: deviceList },
      401: UNAUTHORIZED,
    },
    async handle({ token }) {
      const own = authorised(parts, token);
      const devices = parts.keeper.list(own.user).map(({ id, name, created, key }) => ({
        deviceId: id,
        name,
        created: new Date(created).toISOString(),
        deviceKey: base64(key),
        current: id === own.id,
      }));
      return { status: 200, body: { devices } };
    },
  });
}

function removeRoute(parts: ApiParts): Route {
  return route({
    method: 'DELETE',
    path: '/api/v1/devices/{id}',
    operation: 'removeDevice',
    summary: 'Remove a device',
    description: 'Its sessions end and its token is no longer valid. A device may remove itself.',
    bearer: true,
    params: devicePath,
    responses: {
      204: { description: 'The device is removed.' },
      401: UNAUTHORIZED,
      404: { description: 'There is no such device.' },
    },
    async handle({ token, params }) {
      const own = authorised(parts, token);
      const effects = await parts.keeper.remove(own.user, params.id);
      if (effects === undefined) throw new Problem(404, 'not-found');
      await parts.apply(effects);
      return { status: 204 };
    },
  });
}

function serverRoute(parts: ApiParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/server',
    operation: 'describeServer',
    summary: 'What a client should know of the server',
    responses: { 200: { description: 'The server.', schema: serverReply } },
    async handle({ host }) {
      const { domain, version, identity, registrar } = parts;
      const { webSocket, compact } = parts.endpoints(host);
      const body: z.infer<typeof serverReply> = {
        domain,
        version,
        registration: registrar !== undefined,
        serverKey: base64(identity.publicKey),
        identityKey: base64(identity.identityKey),
        webSocket: [...webSocket],
        compact: [...compact],
      };
      return { status: 200, body };
    },
  });
}

/** The routes. */
export function deviceRoutes(parts: ApiParts): Route[] {
  return [
    linkRoute(parts),
    joinRoute(parts),
    listRoute(parts),
    removeRoute(parts),
    serverRoute(parts),
  ];
}
