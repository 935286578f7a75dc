// The addresses on which the engine listens, in one place for those who open, count and check them.

import type { Config } from './schema.js';

/** Every configured listener of the engine, with the key that names it. */
export function engineListeners(config: Config): { key: string; address: string }[] {
  const { xmpp, compact, websocket } = config;
  const lists: [string, readonly string[]][] = [
    ['xmpp.listen', xmpp.listen],
    ['xmpp.directTls', xmpp.directTls],
    ['compact.listen', compact.listen],
    ['websocket.listen', websocket.listen],
    ['websocket.directTls', websocket.directTls],
  ];
  return lists.flatMap(([key, addresses]) => addresses.map((address) => ({ key, address })));
}
