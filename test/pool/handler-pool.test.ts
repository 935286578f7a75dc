// The pool as it runs: the built workers load the built handlers. A good version is taken with its
// replacements, a bad one is refused with the reason, a handler that throws or hangs costs only its
// own answer. Needs dist/, which scripts/setup builds.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandlerPool } from '../../dist/pool/handler-pool.js';
import { configFromObject } from '../../src/config/load.js';
import type { WorkItem } from '../../src/pool/work.js';
import { settingsOf } from '../../src/services/settings.js';
import { temporaryFolder } from '../helpers.js';

const VERSION = 'jabber:iq:version';

function iq(payload: string): WorkItem {
  const common = { shard: 0, user: 'ann', resource: 'r', session: 1n, id: 'q', online: false };
  const stanza = `<iq type='get' id='q' to='example.org'>${payload}</iq>`;
  return { kind: 'IqRequest', ...common, to: 'example.org', stanza };
}

describe('handler pool', () => {
  const folder = temporaryFolder();
  const overrides = join(folder.path, 'overrides');
  let pool: HandlerPool | undefined;

  after(folder.remove);
  afterEach(async () => {
    await pool?.close();
    pool = undefined;
  });

  /** A pool whose overrides folder holds this one file, or none. */
  async function load(file?: string, source?: string, loadSeconds = 20): Promise<string[]> {
    mkdirSync(overrides, { recursive: true });
    if (file !== undefined && source !== undefined) writeFileSync(join(overrides, file), source);
    const config = configFromObject({
      domain: 'example.org',
      data: join(folder.path, 'data'),
      pool: { threads: 1, taskSeconds: 2 },
      ...(file === undefined ? {} : { handlers: { overrides, loadSeconds } }),
    });
    pool = new HandlerPool({
      settings: settingsOf(config, '1.2.3', { live: true }),
      pool: config.pool,
      handlers: config.handlers,
      execArgv: [],
    });
    return await pool.selfTest();
  }

  async function answer(payload: string): Promise<string> {
    const result = await pool?.answer([iq(payload)]);
    const [effect] = result?.effects ?? [];
    return effect?.kind === 'SendToUser' ? effect.stanza : '';
  }

  it('passes its own self-tests and answers', async () => {
    assert.deepEqual(await load(), []);
    assert.match(await answer(`<query xmlns='${VERSION}'/>`), /<version>1\.2\.3</u);
  });

  it('takes a replacement of a handler', async () => {
    const source = `
      export const handler = {
        name: 'software-version',
        iq: [{ namespace: '${VERSION}', element: 'query', targets: ['server'] }],
        handleIq: ({ payload }) => payload.t('replaced'),
        async selfTest(bench) {
          const options = { to: 'example.org' };
          const { answer } = await bench.iq('get', '<query xmlns="${VERSION}"/>', options);
          if (answer.getChildText('query') !== 'replaced') throw new Error('not replaced');
        },
      };`;
    assert.deepEqual(await load('software-version.js', source), []);
    assert.match(await answer(`<query xmlns='${VERSION}'/>`), />replaced</u);
  });

  it('refuses what throws at load, fails its test, or takes another’s place', async () => {
    const handler = (body: string): string => `export const handler = { name: 'x', ${body} };`;
    for (const [source, reason] of [
      ["throw new Error('broken at load');", /broken at load/u],
      ['export const handler = ;', /Unexpected token/u],
      ['export const other = 1;', /does not export a `handler`/u],
      [
        handler("async selfTest() { throw new Error('I am ill'); }"),
        /x failed its self-test: I am ill/u,
      ],
      [
        handler(
          `iq: [{ namespace: 'vcard-temp', element: 'vCard', targets: [] }], async selfTest() {}`,
        ),
        /both answer vCard vcard-temp/u,
      ],
    ] as const) {
      const problems = await load('software-version.js', source);
      assert.match(problems.join('\n'), reason);
      await pool?.close();
    }
  });

  it('refuses what never ends, and says where', async () => {
    const never = 'await new Promise(() => undefined)';
    for (const [source, reason] of [
      [`${never};`, /loading .*software-version\.js: did not end within 1 s/u],
      ['for (;;);', /loading .*software-version\.js: did not end within 1 s/u],
      [
        `export const handler = { name: 'x', async selfTest() { ${never}; } };`,
        /the self-test of x: did not end within 1 s/u,
      ],
    ] as const) {
      assert.match((await load('software-version.js', source, 1)).join('\n'), reason);
      await pool?.close();
    }
  });

  it('answers for a handler that throws, and gives up on one that hangs', async () => {
    const source = `
      export const handler = {
        name: 'moody',
        iq: [{ namespace: '${VERSION}', element: 'query', targets: ['server'] }],
        handleIq({ payload }) {
          if (payload.attrs.mood === 'throw') throw new TypeError('boom');
          if (payload.attrs.mood === 'hang') for (;;);
          return undefined;
        },
        async selfTest() {},
      };`;
    assert.deepEqual(await load('software-version.js', source), []);
    const result = await pool?.answer([iq(`<query xmlns='${VERSION}' mood='throw'/>`)]);
    assert.match(result?.failures[0]?.message ?? '', /TypeError: boom/u);
    assert.equal(result?.failures[0]?.handler, 'moody');
    await assert.rejects(answer(`<query xmlns='${VERSION}' mood='hang'/>`));
    assert.match(await answer(`<query xmlns='${VERSION}'/>`), /type="result"/u);
  });
});
