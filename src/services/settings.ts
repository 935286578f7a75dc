// What the handlers need of the configuration, small enough to be copied to every worker.

import type { Config } from '../config/schema.js';

export interface Settings {
  readonly domain: string;
  readonly dataFolder: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly scramIterations: number;
  readonly registrationEnabled: boolean;
  readonly registrationsPerHour: number;
  /** Accounts named by phone numbers belong to those who have the numbers. */
  readonly numbersRegister: boolean;
  /** Passwords are checked by the embedding program: none can be set here. */
  readonly externalAuth: boolean;
  /**
   * Whether the engine runs and is told of every change at once; otherwise it is told at the start.
   */
  readonly live: boolean;
  readonly limits: Config['limits'];
}

/** The settings of a configuration. */
export function settingsOf(
  config: Config,
  version: string,
  how: { readonly live: boolean; readonly externalAuth?: boolean },
): Settings {
  return {
    domain: config.domain,
    dataFolder: config.data,
    version,
    startedAt: Date.now(),
    scramIterations: config.accounts.scramIterations,
    registrationEnabled: config.registration.enabled,
    registrationsPerHour: config.registration.perAddressPerHour,
    numbersRegister: config.registration.sender !== 'off',
    externalAuth: how.externalAuth ?? false,
    live: how.live,
    limits: config.limits,
  };
}
