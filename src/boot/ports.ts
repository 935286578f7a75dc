// Whether an address can be listened on. The engine shares its ports between shards, so a second
// server on the same port would not fail there: it is found here.

import { createServer } from 'node:net';
import { errorText, UserError } from '../base/errors.js';
import { parseListenAddress } from '../config/fields.js';

/** Why an `address:port` cannot be opened; undefined when it can. */
export async function portProblem(written: string): Promise<string | undefined> {
  const address = parseListenAddress(written);
  if (address === undefined || address.port === 0) return undefined;
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(`${written} cannot be opened: ${errorText(error)}`));
    probe.listen({ host: address.address, port: address.port, exclusive: true }, () => {
      probe.close(() => resolve(undefined));
    });
  });
}

/** Throws when an address cannot be opened. */
export async function requirePorts(addresses: readonly string[]): Promise<void> {
  const problems = (await Promise.all(addresses.map(portProblem))).filter(
    (problem) => problem !== undefined,
  );
  if (problems.length === 0) return;
  throw new UserError(
    problems.join('\n'),
    'Stop what listens there, or write other addresses in the configuration (xmpp, websocket, ' +
      'http).',
  );
}
