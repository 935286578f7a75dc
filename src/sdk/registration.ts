// Registration by phone number over HTTP (docs/REGISTRATION.md): a PIN is asked for, and with it
// the device's key is bound to the number.

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

/** A refusal of the HTTP interface. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** What the server says, for people. */
    message: string,
    /** When to try again, if the server said so. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(message);
  }
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

async function call<Answer>(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  let answer: Record<string, unknown> = {};
  try {
    answer = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Something between us and the server answered; its text is shown as it is.
  }
  if (response.ok) return answer as Answer;
  const after = Number(response.headers.get('retry-after'));
  throw new RegistrationError(
    response.status,
    String(answer.detail ?? answer.title ?? text),
    after > 0 ? after : undefined,
  );
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
    const base = http.replace(/\/$/u, '');
    const answer = await call<{
      registrationId: string;
      expiresInSeconds: number;
      resendAfterSeconds: number;
      developmentPin?: string;
    }>(`${base}/api/v1/registrations`, { number, ...(country === undefined ? {} : { country }) });
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
      { pin, deviceKey: toBase64(key.publicKey), deviceName },
    );
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
      http: this.http,
    };
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
