// Where this user is served: at the address of the account, until the server there says elsewhere
// (docs/PROTOCOL.md section 4, `<redirect/>`); then there, also after the program was started anew.

import type { Dial, Place } from './links/link.js';

/** docs/PROTOCOL.md section 4: so many in a row. */
const MAX_REDIRECTS = 3;
const FACT = 'servedAt';

/** The server said that this user is served elsewhere. */
export class Redirected extends Error {
  override readonly name = 'Redirected';
  constructor(readonly place: Place) {
    super(`this user is served at ${place.host}, port ${place.port}`);
  }
}

/** What is remembered from one start of the program to the next; the message store is one. */
export interface Memory {
  recall<T>(name: string): Promise<T | undefined>;
  remember(name: string, value: unknown): Promise<void>;
}

/** Reads the attributes of a `<redirect/>`. Throws when they name no place. */
export function placeOf(attributes: Readonly<Record<string, string>>): Place {
  const { host = '', port = '' } = attributes;
  const number = /^[0-9]{1,5}$/u.test(port) ? Number(port) : 0;
  // What else stands in an address (a path, a user, another port) has no place in a host's name.
  if (!/^[^\s/?#@\\[\]]+$/u.test(host) || number < 1 || number > 65_535) {
    throw new Error('the server redirected to a place that makes no sense');
  }
  return { host, port: number };
}

/** Finds the server and remembers where it was. */
export class Whereabouts {
  constructor(
    private readonly home: Dial,
    private readonly memory: Memory,
  ) {}

  /**
   * Makes the attempt where this user was served last, and at home when that fails in whatever way:
   * only home knows for sure. Follows what Redirected says, three times in a row at most.
   */
  async connect<Result>(attempt: (dial: Dial) => Promise<Result>): Promise<Result> {
    const last = (await this.memory.recall<Place | null>(FACT)) ?? undefined;
    if (last !== undefined) {
      const found = await this.follow(last, last, attempt).catch(() => undefined);
      if (found !== undefined) return found.result;
    }
    return (await this.follow(undefined, last, attempt)).result;
  }

  private async follow<Result>(
    start: Place | undefined,
    remembered: Place | undefined,
    attempt: (dial: Dial) => Promise<Result>,
  ): Promise<{ result: Result }> {
    let place = start;
    for (let redirects = 0; ; redirects++) {
      try {
        const result = await attempt(this.dialOf(place));
        if (!samePlace(place, remembered)) await this.memory.remember(FACT, place ?? null);
        return { result };
      } catch (error) {
        if (!(error instanceof Redirected)) throw error;
        if (redirects === MAX_REDIRECTS) {
          throw new Error(`the server redirected more than ${MAX_REDIRECTS} times in a row`);
        }
        ({ place } = error);
      }
    }
  }

  private dialOf(place: Place | undefined): Dial {
    if (place === undefined) return this.home;
    if (this.home.elsewhere === undefined) {
      throw new Error('the server redirected, and this way of dialling leads to one address only');
    }
    return this.home.elsewhere(place);
  }
}

function samePlace(left: Place | undefined, right: Place | undefined): boolean {
  return left?.host === right?.host && left?.port === right?.port;
}
