// PINs on their way: attempts, their results in the log, and what the log must not say.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { configFromObject } from '../../../src/config/load.js';
import { PinOutbox } from '../../../src/services/registration/pin-outbox.js';
import {
  CommandSender,
  type PinMessage,
  type PinSender,
  SendError,
  WebhookSender,
} from '../../../src/services/registration/pin-sender.js';
import { GATEWAY_SECRET, PinGateway } from '../../e2e/support/pin-gateway.js';
import { temporaryFolder } from '../../helpers.js';

const message: PinMessage = {
  id: 'one',
  number: '+12015550123',
  pin: '918273',
  text: 'Your code is 918273.',
  expiresInSeconds: 600,
};

interface LogLine {
  readonly level: number;
  readonly attempt: number;
  readonly msg: string;
}

describe('pin outbox', function () {
  this.timeout(20_000);
  let lines: string[];
  const parsedLines = (): LogLine[] => lines.map((line) => JSON.parse(line) as LogLine);

  function outboxOf(sender: PinSender, limit = 10): PinOutbox {
    const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
    return new PinOutbox(sender, limit, log);
  }

  async function done(outbox: PinOutbox, count = 1): Promise<void> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const { sent, failed } = outbox.stats();
      if (sent + failed >= count) return;
      assert.ok(Date.now() < deadline, 'nothing was sent in time');
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }

  beforeEach(() => {
    lines = [];
  });
  afterEach(() => {
    for (const line of lines) {
      assert.ok(!line.includes(message.pin), line);
      assert.ok(!line.includes('2015550123'), line);
    }
  });

  describe('with a webhook', () => {
    let gateway: PinGateway;
    beforeEach(async () => {
      gateway = await PinGateway.start();
    });
    afterEach(() => gateway.stop());

    const webhook = (url: string, timeoutSeconds = 10): PinSender =>
      new WebhookSender({ url, secret: GATEWAY_SECRET, timeoutSeconds, attempts: 3 });

    it('signs what it sends, and tries again when the gateway fails', async () => {
      gateway.failures.push(503);
      const outbox = outboxOf(webhook(gateway.url));
      assert.ok(outbox.reserve());
      outbox.add(message);
      await done(outbox);
      assert.deepEqual(gateway.sent, [message]);
      assert.equal(gateway.forged, 0);
      assert.deepEqual(
        parsedLines().map(({ attempt, level }) => [attempt, level]),
        [
          [1, 40],
          [2, 30],
        ],
      );
      assert.match(lines[0] ?? '', /answered 503/u);
    });

    it('gives up at once when the gateway says no, and in the end when it is silent', async () => {
      gateway.failures.push(400);
      const refused = outboxOf(webhook(gateway.url));
      assert.ok(refused.reserve());
      refused.add(message);
      await done(refused);
      assert.equal(gateway.requests, 1);
      assert.match(lines[0] ?? '', /given up: answered 400/u);
      const silent = outboxOf(webhook('http://127.0.0.1:9/'));
      assert.ok(silent.reserve());
      silent.add(message);
      await done(silent);
      assert.equal(parsedLines().at(-1)?.attempt, 3);
      assert.match(lines.at(-1) ?? '', /no answer/u);
    });

    it('does not follow a gateway that sends it elsewhere', async () => {
      gateway.failures.push(302);
      const outbox = outboxOf(webhook(gateway.url));
      assert.ok(outbox.reserve());
      outbox.add(message);
      await done(outbox);
      assert.equal(outbox.stats().failed, 1);
    });
  });

  describe('with a command', () => {
    const folder = temporaryFolder();
    after(folder.remove);
    const script = (name: string, text: string): string => {
      const file = join(folder.path, name);
      writeFileSync(file, `#!/bin/sh\n${text}\n`);
      chmodSync(file, 0o755);
      return file;
    };

    it('hands it over in the environment and on standard input, without a shell', async () => {
      const file = script(
        'send',
        'printf "%s|%s|%s|%s|" "$1" "$ROOKERY_NUMBER" "$ROOKERY_PIN" "$SECRET" > out; cat >> out',
      );
      process.env.SECRET = 'not theirs';
      const outbox = outboxOf(new CommandSender([file, '$(touch hacked)'], folder.path));
      assert.ok(outbox.reserve());
      outbox.add(message);
      await done(outbox);
      delete process.env.SECRET;
      const [argument, number, pin, secret, json] = readFileSync(join(folder.path, 'out'), 'utf8')
        .trim()
        .split('|');
      assert.deepEqual(
        [argument, number, pin, secret],
        ['$(touch hacked)', message.number, message.pin, ''],
      );
      assert.deepEqual(JSON.parse(json ?? ''), message);
      assert.ok(!existsSync(join(folder.path, 'hacked')));
    });

    it('says what the program complained of, without number and PIN', async () => {
      const file = script(
        'fail',
        'echo "no route to $ROOKERY_NUMBER for $ROOKERY_PIN" >&2; exit 3',
      );
      const outbox = outboxOf(new CommandSender([file], folder.path));
      assert.ok(outbox.reserve());
      outbox.add(message);
      await done(outbox);
      assert.match(lines.at(-1) ?? '', /given up: ended with 3: no route to \+… for …/u);
      const missing = outboxOf(new CommandSender(['/nowhere/send'], folder.path));
      assert.ok(missing.reserve());
      missing.add(message);
      await done(missing);
      assert.match(lines.at(-1) ?? '', /ENOENT/u);
    });
  });

  it('has room for so many, and is closed while it sends', async () => {
    let sending = 0;
    const sender: PinSender = {
      name: 'slow',
      attempts: 5,
      send: (_, stop) => {
        sending++;
        return new Promise((_resolve, reject) => {
          stop.addEventListener('abort', () => reject(new SendError('stopped', true)));
        });
      },
    };
    const outbox = outboxOf(sender, 4);
    let taken = 0;
    while (outbox.reserve()) {
      outbox.add(message);
      taken++;
    }
    assert.deepEqual([sending, taken], [16, 20]);
    assert.equal(outbox.stats().refused, 1);
    await outbox.close();
    assert.equal(outbox.stats().failed, 16);
    assert.equal(outbox.reserve(), false);
  });

  it('is not the development sender’s where others can reach it', () => {
    const registration = { sender: 'development' as const };
    const open = (listen: string, more = {}) =>
      configFromObject({ http: { listen }, registration: { ...registration, ...more } });
    for (const listen of ['127.0.0.1:5280', '[::1]:5280', 'localhost:5280', 'off']) open(listen);
    for (const listen of ['*:5280', '[::]:5280', '192.0.2.1:5280']) {
      assert.throws(() => open(listen), /registration\.sender is `development`/u, listen);
      open(listen, { allowDevelopmentSender: true });
    }
    assert.throws(() => configFromObject({ registration: { sender: 'webhook' } }), /webhook\.url/u);
    assert.throws(() => configFromObject({ registration: { sender: 'command' } }), /command/u);
  });
});
