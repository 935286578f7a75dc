// The session request of RFC 3921, which old clients still send: it has nothing to do any more.

import assert from 'node:assert/strict';
import type { Handler } from './handler.js';

const SESSION = 'urn:ietf:params:xml:ns:xmpp-session';

export const handler: Handler = {
  name: 'session',
  iq: [{ namespace: SESSION, element: 'session', targets: ['server', 'account'] }],

  handleIq: () => undefined,

  async selfTest(bench) {
    const { answer } = await bench.iq('set', `<session xmlns="${SESSION}"/>`);
    assert.equal(answer.attrs.type, 'result');
  },
};
