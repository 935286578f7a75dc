// Registration by phone number, over HTTP.

import { parseNumber } from '../services/registration/phone-number.js';
import type { Registrar } from '../services/registration/registrar.js';
import { type ApiParts, isOwnName, limited } from './api-parts.js';
import {
  enrolmentReply,
  registrationPath,
  registrationReply,
  registrationRequest,
  verificationRequest,
} from './api-schemas.js';
import { enrolmentBody } from './device-routes.js';
import { Problem } from './problem.js';
import { type Route, route } from './route.js';

const BUSY_SECONDS = 30;
const TOO_MANY = {
  number: 'This number cannot have another PIN yet.',
  address: 'Too many PINs were asked for from this address.',
};
const OVER = 'The PIN has expired, was used, or was tried too often. Ask for another one.';
const LIMITED = 'Too many of these from this address, or for this number; see `Retry-After`.';

function required(registrar: Registrar | undefined): Registrar {
  if (registrar === undefined) throw new Problem(403, 'registration-off');
  return registrar;
}

function numberOf(parts: ApiParts, written: string, country: string): string {
  const { number, problem } = parseNumber(written, country, parts.config);
  if (number !== undefined) return number;
  const errors = [{ pointer: '#/number', detail: problem }];
  throw new Problem(400, 'invalid-number', { detail: problem, errors });
}

function wrongPin(attemptsLeft: number): Problem {
  const left = attemptsLeft === 1 ? 'One attempt is left.' : `${attemptsLeft} attempts are left.`;
  const detail =
    attemptsLeft === 0
      ? 'The PIN was not right, and was the last that could be tried. Ask for another one.'
      : `The PIN is not right. ${left}`;
  return new Problem(403, 'wrong-pin', { attemptsLeft, detail });
}

function beginRoute(parts: ApiParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/registrations',
    operation: 'beginRegistration',
    summary: 'Ask for a PIN',
    description:
      'Sends a PIN to the number. The answer is the same whether or not the number has an ' +
      'account, and does not wait until the PIN is sent.',
    body: registrationRequest,
    responses: {
      202: { description: 'A PIN is on its way.', schema: registrationReply },
      400: { description: 'Not a number that can register.' },
      403: { description: 'Registration by number is switched off.' },
      429: { description: LIMITED },
      503: { description: 'Too many PINs wait to be sent.' },
    },
    async handle({ body, address, host }) {
      const registrar = required(parts.registrar);
      const number = numberOf(parts, body.number, body.country ?? '');
      const result = await registrar.begin(number, address);
      switch (result.kind) {
        case 'limited':
          throw limited(result.seconds, TOO_MANY[result.by]);
        case 'busy':
          throw new Problem(503, 'too-busy', { retryAfterSeconds: BUSY_SECONDS });
        case 'begun': {
          const { id: registrationId, expiresInSeconds, resendAfterSeconds, pin } = result;
          const isShown = parts.config.sender === 'development' && isOwnName(parts, host);
          const shown = isShown ? { developmentPin: pin } : {};
          return {
            status: 202,
            body: { registrationId, expiresInSeconds, resendAfterSeconds, ...shown },
          };
        }
      }
    },
  });
}

function verifyRoute(parts: ApiParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/registrations/{id}/verification',
    operation: 'verifyRegistration',
    summary: 'Give the PIN and the device’s key',
    description:
      'Makes the account when there is none. All devices that it had before are removed, and ' +
      'their sessions end.',
    params: registrationPath,
    body: verificationRequest,
    responses: {
      201: { description: 'The device is registered.', schema: enrolmentReply },
      400: { description: 'Something in the request is not right.' },
      403: { description: 'The PIN is wrong, or the account is disabled.' },
      404: { description: 'No such registration: used, expired, or out of attempts.' },
      429: { description: LIMITED },
    },
    async handle({ body, params, address, host }) {
      const registrar = required(parts.registrar);
      const device = { key: body.deviceKey, name: body.deviceName };
      const result = await registrar.verify(params.id, body.pin, device, address);
      switch (result.kind) {
        case 'limited':
          throw limited(result.seconds, 'Too many PINs were tried from this address.');
        case 'unknown':
          throw new Problem(404, 'unknown-registration', { detail: OVER });
        case 'disabled':
          throw new Problem(403, 'account-disabled');
        case 'wrong-pin':
          throw wrongPin(result.attemptsLeft);
        case 'verified':
          await parts.apply(result.effects);
          return { status: 201, body: enrolmentBody(parts, result.enrolled, host) };
      }
    },
  });
}

/** The routes. */
export function registrationRoutes(parts: ApiParts): Route[] {
  return [beginRoute(parts), verifyRoute(parts)];
}
