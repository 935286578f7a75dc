// Handlers replaced while ten thousand connections chat: nobody is disconnected, nothing is lost,
// doubled or overtaken, the new behaviour is seen; what does not work is refused with its reason
// by the command line and the old behaviour stays. ROOKERY_CHATTING_CONNECTIONS sets how many.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Crowd } from './support/crowd.js';
import { TestServer } from './support/server.js';

const CROWD = Number(process.env.ROOKERY_CHATTING_CONNECTIONS ?? 10_000);
const DEVICES = 10;
const LOGINS_AT_ONCE = 50;
const MESSAGES_PER_SECOND = 2000;
const ASKED = 100;
const LOAD_SECONDS = 4;
const VERSION = 'jabber:iq:version';
const NEVER = 'await new Promise(() => undefined)';

/** A handler that answers so; `selfTest` is the body of its test. */
function handler(answer: string, selfTest = ''): string {
  return `
    export const handler = {
      name: 'software-version',
      iq: [{ namespace: '${VERSION}', element: 'query', targets: ['server'] }],
      features: () => ({ server: ['${VERSION}'] }),
      handleIq: ({ payload }) => payload.t('${answer}'),
      async selfTest() { ${selfTest} },
    };`;
}

describe(`reload under ${CROWD} connections that chat`, function () {
  this.timeout(180_000);
  const overrides = join(process.cwd(), 'node_modules', '.cache', `reload-${process.pid}`);
  const file = join(overrides, 'software-version.js');
  let server: TestServer;
  let crowd: Crowd;

  before(async () => {
    mkdirSync(overrides, { recursive: true });
    const users = Array.from({ length: Math.ceil(CROWD / DEVICES) }, (_, index) => `u${index}`);
    server = await TestServer.start({
      config: { handlers: { overrides, loadSeconds: LOAD_SECONDS } },
      accounts: users,
    });
    crowd = new Crowd(server.endpoint, users, CROWD);
    await crowd.login(LOGINS_AT_ONCE);
    crowd.chat(MESSAGES_PER_SECOND);
  });
  after(async () => {
    crowd?.end();
    await server?.remove();
    rmSync(overrides, { recursive: true, force: true });
  });

  /** Asks a hundred of them, spread over all. */
  async function assertAnswers(expected: string): Promise<void> {
    const step = Math.max(1, Math.floor(CROWD / ASKED));
    const asked = crowd.chatters.filter(({ index }) => index % step === 0);
    const answers = await Promise.all(
      asked.map((chatter) => chatter.iq(`<query xmlns='${VERSION}'/>`, server.domain)),
    );
    const said = new Set(answers.map((answer) => answer.getChild('query')?.getText()));
    assert.deepEqual([...said], [expected]);
  }

  function assertEverybodyChats(since: number): void {
    assert.deepEqual(crowd.problems, []);
    assert.equal(crowd.lost, 0);
    assert.ok(crowd.sent > since, 'people have talked meanwhile');
  }

  it('takes edited handlers, again and again', async () => {
    for (const [index, answer] of ['second', 'third', 'fourth'].entries()) {
      const { sent } = crowd;
      writeFileSync(file, handler(answer));
      const loaded = new RegExp(`Loaded version ${index + 2} of \\d+ handlers`, 'u');
      assert.match(await server.cli('reload'), loaded);
      await assertAnswers(answer);
      assertEverybodyChats(sent);
    }
  });

  for (const [what, source, reason] of [
    ['throws at load', "throw new Error('broken on purpose');", /version\.js: broken on purpose/u],
    ['is no JavaScript', 'export const handler = {', /version\.js: Unexpected end of input/u],
    [
      'fails its self-test',
      handler('bad', "throw new Error('I am ill');"),
      /software-version failed its self-test: I am ill/u,
    ],
    ['never ends loading', `${NEVER};`, /loading .*version\.js: did not end within 4 s/u],
    ['spins while it loads', 'for (;;);', /loading .*version\.js: did not end within 4 s/u],
  ] as const) {
    it(`refuses a handler that ${what}, and keeps the old one`, async () => {
      const { sent } = crowd;
      writeFileSync(file, source);
      await assert.rejects(server.cli('reload'), (error: Error) => {
        assert.match(error.message, /the old handlers stay in place/u);
        assert.match(error.message, reason);
        return true;
      });
      await assertAnswers('fourth');
      assertEverybodyChats(sent);
    });
  }

  it('has lost nobody and nothing', async function () {
    writeFileSync(file, handler('fifth'));
    await server.cli('reload');
    await assertAnswers('fifth');
    await crowd.finish();
    assert.equal(crowd.unfinished(), 0);
    assertEverybodyChats(0);
    const silent = crowd.chatters.filter(({ sent, received }) => sent === 0 || received === 0);
    assert.equal(silent.length, 0);
    const { engine } = (await server.status()) as {
      engine?: { counters?: Record<string, number> };
    };
    assert.equal(engine?.counters?.sessions, CROWD);
    assert.equal(engine?.counters?.logins, CROWD);
    if (this.test !== undefined) this.test.title += ` of ${crowd.sent} messages`;
  });
});
