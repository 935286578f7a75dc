// Contact discovery (docs/PROTOCOL.md section 6.6): which of a batch of numbers, sent as hashes,
// are registered here.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, xml } from '../base/xml.js';
import type { DiscoveryRefusal } from '../services/discovery-budget.js';
import { NUMBER_HASH_BYTES } from '../services/numbers.js';
import type { Handler, HandlerContext, IqCall } from './handler.js';

const DISCOVERY = 'urn:rookery:discovery:1';
const MAX_NUMBERS = 500;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/u;

async function rules({ services }: HandlerContext): Promise<Element> {
  const { numbers, store } = services;
  const salt = numbers.salt ?? (await store.transaction(() => numbers.needSalt()));
  return xml('discovery', {
    xmlns: DISCOVERY,
    salt: Buffer.from(salt).toString('base64'),
    'hash-bytes': String(NUMBER_HASH_BYTES),
    'max-numbers': String(MAX_NUMBERS),
  });
}

function hashesIn(payload: Element): Buffer[] {
  const text = payload.getText();
  const bytes = Buffer.from(text, 'base64');
  const count = bytes.length / NUMBER_HASH_BYTES;
  if (!BASE64.test(text) || !Number.isInteger(count)) throw new StanzaError('bad-request');
  if (count > MAX_NUMBERS) {
    throw new StanzaError('not-acceptable', `At most ${MAX_NUMBERS} numbers at a time.`);
  }
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * NUMBER_HASH_BYTES, (index + 1) * NUMBER_HASH_BYTES),
  );
}

function refuse({ why, waitMs }: DiscoveryRefusal): never {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const retry = xml('retry', { xmlns: DISCOVERY, after: String(seconds) });
  if (why === 'pause') {
    const text = 'Too many look-ups one after the other.';
    throw new StanzaError('policy-violation', text, retry, 'wait');
  }
  throw new StanzaError('resource-constraint', 'Too many numbers for a day.', retry);
}

async function find(call: IqCall, { services }: HandlerContext): Promise<Element> {
  const { store, budget, numbers, blocks, settings } = services;
  const hashes = hashesIn(call.payload);
  const refusal = await store.transaction(() => budget.admit(call.user, hashes.length, Date.now()));
  if (refusal !== undefined) refuse(refusal);
  const found = new Set<string>();
  for (const hash of hashes) {
    const user = numbers.find(hash);
    // Whoever has blocked the asker looks like a number that nobody has registered.
    if (user !== undefined && !blocks.blocked(user, call.own)) found.add(user);
  }
  const users = [...found].map((user) => xml('user', { jid: `${user}@${settings.domain}` }));
  return xml('found', { xmlns: DISCOVERY }, ...users);
}

export const handler: Handler = {
  name: 'discovery',
  iq: [
    { namespace: DISCOVERY, element: 'discovery', targets: ['server'] },
    { namespace: DISCOVERY, element: 'find', targets: ['server'] },
  ],
  features: ({ numbersRegister }) => ({ server: numbersRegister ? [DISCOVERY] : [] }),

  handleIq(call, context) {
    if (call.type !== 'get') throw new StanzaError('not-allowed');
    return call.payload.name === 'find' ? find(call, context) : rules(context);
  },

  async selfTest(bench) {
    const to = 'example.org';
    const user = '12015550101';
    await bench.services.store.transaction(() => bench.services.numbers.add(user));
    const named = await bench.iq('get', `<discovery xmlns="${DISCOVERY}"/>`, { to });
    const salt = named.answer.getChild('discovery', DISCOVERY)?.attrs.salt as string;
    const digest = createHash('sha256').update(Buffer.from(salt, 'base64')).update(`+${user}`);
    const hash = digest.digest().subarray(0, NUMBER_HASH_BYTES).toString('base64');
    const { answer } = await bench.iq('get', `<find xmlns="${DISCOVERY}">${hash}</find>`, { to });
    const [found] = answer.getChild('found', DISCOVERY)?.getChildren('user') ?? [];
    assert.equal(found?.attrs.jid, `${user}@example.org`);
  },
};
