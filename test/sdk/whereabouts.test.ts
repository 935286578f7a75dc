// Redirects of the client: what of them makes sense, and where the ways of dialling lead.

import assert from 'node:assert/strict';
import type { Dial } from '../../src/sdk/links/link.js';
import { placeOf, Redirected, Whereabouts } from '../../src/sdk/whereabouts.js';

const unable: Dial = () => Promise.reject(new Error('nobody dials here'));

function memory(facts: Record<string, unknown> = {}) {
  return {
    facts,
    recall: async <T>(name: string) => facts[name] as T | undefined,
    remember: async (name: string, value: unknown) => {
      facts[name] = value;
    },
  };
}

describe('whereabouts', () => {
  it('reads places, and refuses what is none', () => {
    assert.deepEqual(placeOf({ host: 'two.example.org', port: '5299' }), {
      host: 'two.example.org',
      port: 5299,
    });
    assert.deepEqual(placeOf({ host: '2001:db8::1', port: '65535' }).host, '2001:db8::1');
    for (const wrong of [
      {},
      { host: 'a' },
      { port: '1' },
      { host: '', port: '1' },
      { host: 'a', port: '0' },
      { host: 'a', port: '65536' },
      { host: 'a', port: '1e3' },
      { host: 'a/b', port: '1' },
      { host: 'user@a', port: '1' },
      { host: 'a b', port: '1' },
      { host: '[::1]', port: '1' },
    ]) {
      assert.throws(() => placeOf(wrong as Record<string, string>), JSON.stringify(wrong));
    }
  });

  it('goes home when the remembered place fails, and forgets it when home serves', async () => {
    const known = memory({ servedAt: { host: 'b', port: 2 } });
    const home: Dial = Object.assign(() => unable(AbortSignal.abort()), {
      elsewhere: ({ host }: { host: string }): Dial =>
        Object.assign(() => unable(AbortSignal.abort()), { place: host }),
    });
    const tried: string[] = [];
    const attempt = async (dial: Dial) => {
      const where = (dial as { place?: string }).place ?? 'home';
      tried.push(where);
      if (where === 'b') throw new Error('gone');
      return where;
    };
    assert.equal(await new Whereabouts(home, known).connect(attempt), 'home');
    assert.deepEqual(tried, ['b', 'home']);
    assert.equal(known.facts.servedAt, null);
    assert.equal(await new Whereabouts(home, known).connect(attempt), 'home');
    assert.deepEqual(tried, ['b', 'home', 'home']);
  });

  it('keeps the remembered place while nobody answers at all', async () => {
    const known = memory({ servedAt: { host: 'b', port: 2 } });
    const home: Dial = Object.assign(unable, { elsewhere: () => unable });
    const offline = new Error('no network');
    await assert.rejects(
      new Whereabouts(home, known).connect(() => Promise.reject(offline)),
      offline,
    );
    assert.deepEqual(known.facts.servedAt, { host: 'b', port: 2 });
  });

  it('says so when a way of dialling leads to one address only', async () => {
    const single: Dial = () => Promise.reject(new Error('not dialled in this test'));
    const attempt = () => Promise.reject(new Redirected({ host: 'b', port: 2 }));
    await assert.rejects(new Whereabouts(single, memory()).connect(attempt), /one address only/u);
  });
});
