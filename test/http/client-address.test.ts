// Who a client is: one spelling for each address, and proxies that are believed.

import assert from 'node:assert/strict';
import {
  addressSubject,
  clientAddress,
  hostOf,
  normaliseAddress,
} from '../../src/http/client-address.js';

describe('client address', () => {
  it('has one spelling', () => {
    const spellings: [written: string, normal: string][] = [
      ['127.0.0.1', '127.0.0.1'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::FFFF:C000:0207', '192.0.2.7'],
      ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
      ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
      ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8:0:0:0:0:0:1'],
      ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
      ['::', '0:0:0:0:0:0:0:0'],
      ['::1', '0:0:0:0:0:0:0:1'],
    ];
    for (const [written, normal] of spellings) assert.equal(normaliseAddress(written), normal);
  });

  it('is counted by what one person can have', () => {
    assert.equal(addressSubject(normaliseAddress('192.0.2.7')), '192.0.2.7');
    const one = addressSubject(normaliseAddress('2001:db8:1:2::1'));
    assert.equal(one, '2001:db8:1:2::/64');
    assert.equal(addressSubject(normaliseAddress('2001:db8:1:2:ffff:1:2:3')), one);
    assert.notEqual(addressSubject(normaliseAddress('2001:db8:1:3::1')), one);
  });

  it('calls the server by a name or an address, and by nothing else', () => {
    assert.equal(hostOf('Chat.Example.org:5280'), 'chat.example.org');
    assert.equal(hostOf('[::1]:5280'), '[::1]');
    assert.equal(hostOf('127.0.0.1'), '127.0.0.1');
    for (const bad of ['', 'a b', "x; script-src 'unsafe-inline'", '[x]', 'a:b', 'a:1:2', 'ä']) {
      assert.equal(hostOf(bad), '', bad);
    }
  });

  it('is what trusted proxies say, as far as they are trusted', () => {
    const trusted = new Set(['127.0.0.1', '10.0.0.1']);
    const of = (peer: string, forwarded: string) => clientAddress(peer, forwarded, trusted);
    assert.equal(of('192.0.2.7', '203.0.113.9'), '192.0.2.7');
    assert.equal(of('127.0.0.1', ''), '127.0.0.1');
    assert.equal(of('127.0.0.1', '203.0.113.9'), '203.0.113.9');
    assert.equal(of('127.0.0.1', '1.1.1.1, 203.0.113.9'), '203.0.113.9');
    assert.equal(of('127.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.1'), '203.0.113.9');
    assert.equal(of('::ffff:127.0.0.1', '2001:db8::1'), '2001:db8:0:0:0:0:0:1');
    assert.equal(of('127.0.0.1', 'nonsense'), '127.0.0.1');
  });
});
