// Registration by phone number over HTTP (docs/REGISTRATION.md): a PIN is asked for, and with it
// the device's key is bound to the number; or a device joins with a code of another one.

import { call } from './http.js';
import { fromBase64, toBase64 } from './noise/bytes.js';
import { type KeyPair, keyPair } from './noise/handshake.js';

/** What a device must keep to log in. Plain data, to be stored as JSON; `secretKey` is a secret. */
export interface Account {
  /** The local part of the address: the number's digits. */
  readonly user: string;
  readonly domain: string;
  readonly device: number;
  /** X25519 secret key of the device, Base64. */
  readonly secretKey: string;
  /** Of the server, Base64. */
  readonly serverKey: string;
  readonly identity: string;
  /** For the device interface over HTTP. */
  readonly token: string;
  /** Where the compact protocol is spoken: `host:port`. */
  readonly compact: readonly string[];
  /** The same over WebSocket: addresses. */
  readonly websocket: readonly string[];
  /** The HTTP interface that this account was made at. */
  readonly http: string;
}

interface Verified {
  user: string;
  deviceId: number;
  token: string;
  serverKey: string;
  identityKey: string;
  domain: string;
  compact: string[];
  webSocket: string[];
}

function accountOf(answer: Verified, http: string, key: KeyPair): Account {
  return {
    user: answer.user.split('@')[0] ?? '',
    domain: answer.domain,
    device: answer.deviceId,
    secretKey: toBase64(key.secretKey),
    serverKey: answer.serverKey,
    identity: answer.identityKey,
    token: answer.token,
    compact: answer.compact,
    websocket: answer.webSocket,
    http,
  };
}

function baseOf(http: string): string {
  return http.replace(/\/$/u, '');
}

/**
 * Makes this the further device of an account that another device gave a linking code for. `http`:
 * the server's HTTP address. Throws RegistrationError.
 */
export async function joinAccount(
  http: string,
  linkingCode: string,
  deviceName: string,
  key: KeyPair = keyPair(),
): Promise<Account> {
  const answer = await call<Verified>(`${baseOf(http)}/api/v1/devices`, {
    method: 'POST',
    body: { linkingCode, deviceKey: toBase64(key.publicKey), deviceName },
  });
  return accountOf(answer, baseOf(http), key);
}

/** A number whose PIN is on its way. */
export class Registration {
  private constructor(
    private readonly http: string,
    private readonly id: string,
    /** How long the PIN is good. */
    readonly expiresInSeconds: number,
    /** When another one may be asked for. */
    readonly resendAfterSeconds: number,
    /** The PIN itself, when the server runs for development. */
    readonly developmentPin: string | undefined,
  ) {}

  /**
   * Asks the server at `http` (its HTTP address) to send a PIN to a number, written internationally
   * or as in `country` (two letters). Throws RegistrationError.
   */
  static async start(http: string, number: string, country?: string): Promise<Registration> {
    const base = baseOf(http);
    const answer = await call<{
      registrationId: string;
      expiresInSeconds: number;
      resendAfterSeconds: number;
      developmentPin?: string;
    }>(`${base}/api/v1/registrations`, {
      method: 'POST',
      body: { number, ...(country === undefined ? {} : { country }) },
    });
    return new Registration(
      base,
      answer.registrationId,
      answer.expiresInSeconds,
      answer.resendAfterSeconds,
      answer.developmentPin,
    );
  }

  /**
   * Proves the number with the PIN and binds this device's key; older devices of the number are
   * removed. Throws RegistrationError.
   */
  async verify(pin: string, deviceName: string, key: KeyPair = keyPair()): Promise<Account> {
    const answer = await call<Verified>(
      `${this.http}/api/v1/registrations/${encodeURIComponent(this.id)}/verification`,
      { method: 'POST', body: { pin, deviceKey: toBase64(key.publicKey), deviceName } },
    );
    return accountOf(answer, this.http, key);
  }
}

/** The keys of an account as bytes. */
export function accountKeys(account: Account): {
  deviceKey: KeyPair;
  noiseKey: Uint8Array;
  identity: Uint8Array;
} {
  return {
    deviceKey: keyPair(fromBase64(account.secretKey)),
    noiseKey: fromBase64(account.serverKey),
    identity: fromBase64(account.identity),
  };
}
