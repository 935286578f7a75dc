// Software version (XEP-0092). The operating system stays unsaid: it helps nobody but an attacker.

import assert from 'node:assert/strict';
import { xml } from '../base/xml.js';
import type { Handler } from './handler.js';

const VERSION = 'jabber:iq:version';

export const handler: Handler = {
  name: 'software-version',
  iq: [{ namespace: VERSION, element: 'query', targets: ['server'] }],
  features: () => ({ server: [VERSION] }),

  handleIq(_call, { services }) {
    return xml(
      'query',
      { xmlns: VERSION },
      xml('name', {}, 'Rookery'),
      xml('version', {}, services.settings.version),
    );
  },

  async selfTest(bench) {
    const { answer } = await bench.iq('get', `<query xmlns="${VERSION}"/>`, { to: 'example.org' });
    const version = answer.getChild('query', VERSION)?.getChildText('version');
    assert.equal(version, bench.services.settings.version);
  },
};
