// Registration without HTTP and with a clock of its own: delays, lock-outs, expiry, races.

import assert from 'node:assert/strict';
import { createLogger } from '../../../src/base/log.js';
import { configFromObject } from '../../../src/config/load.js';
import type { ConfigInput } from '../../../src/config/schema.js';
import { DeviceKeeper } from '../../../src/services/registration/device-keeper.js';
import { PinOutbox } from '../../../src/services/registration/pin-outbox.js';
import type { PinMessage } from '../../../src/services/registration/pin-sender.js';
import { type BeginResult, Registrar } from '../../../src/services/registration/registrar.js';
import { TestServices } from '../../helpers.js';

const NUMBER = '+12015550123';
const USER = '12015550123';
const HERE = '192.0.2.1';
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
type Begun = Extract<BeginResult, { kind: 'begun' }>;

describe('registrar', () => {
  let test: TestServices;
  let registrar: Registrar;
  let keeper: DeviceKeeper;
  let now: number;
  let sent: PinMessage[];
  /** Lets the sender go on; undefined when it need not wait. */
  let hold: Promise<void> | undefined;
  const device = { key: new Uint8Array(32).fill(9), name: 'phone' };

  function open(registration: ConfigInput['registration'] = {}): void {
    const { registration: config } = configFromObject({ registration });
    const secret = Buffer.alloc(32, 7);
    const { services } = test;
    const sender = {
      name: 'test',
      attempts: 1,
      send: async (message: PinMessage) => {
        await hold;
        sent.push(message);
      },
    };
    const outbox = new PinOutbox(sender, 5, createLogger({ level: 'fatal', format: 'text' }));
    const clock = () => now;
    registrar = new Registrar({ services, secret, config, domain: 'x', outbox, now: clock });
    keeper = new DeviceKeeper(services, secret, config.limits, clock);
  }

  beforeEach(() => {
    test = new TestServices();
    now = Date.now();
    sent = [];
    hold = undefined;
    open();
  });
  afterEach(() => test.close());

  async function begin(number = NUMBER, address = HERE): Promise<Begun> {
    const result = await registrar.begin(number, address);
    assert.equal(result.kind, 'begun');
    return result as Begun;
  }
  const verify = (id: string, pin: string, address = HERE) =>
    registrar.verify(id, pin, device, address);
  const wrong = (pin: string): string => (pin === '123456' ? '654321' : '123456');

  it('makes an account without a password, and a device with a token', async () => {
    const { id, pin } = await begin();
    assert.match(pin, /^\d{6}$/u);
    assert.equal(sent[0]?.pin, pin);
    assert.ok(sent[0]?.text.includes(pin));
    const result = await verify(id, pin);
    assert.ok(result.kind === 'verified');
    assert.equal(result.enrolled.device.user, USER);
    assert.equal(test.services.accounts.get(USER)?.credentials, undefined);
    assert.equal(keeper.authorised(result.enrolled.token)?.id, 1);
    assert.equal(keeper.authorised(`${result.enrolled.token}x`), undefined);
    assert.equal(keeper.authorised(''), undefined);
  });

  it('replaces the devices and the password of an account that is there', async () => {
    await test.addUsers(USER);
    const first = await begin();
    const old = await verify(first.id, first.pin);
    assert.ok(old.kind === 'verified');
    assert.equal(test.services.accounts.get(USER)?.credentials, undefined);
    now += HOUR;
    const second = await begin();
    const result = await verify(second.id, second.pin);
    assert.ok(result.kind === 'verified');
    assert.equal(result.enrolled.device.id, 2);
    const kinds = result.effects.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['RefreshAccount', 'RefreshDevices', 'CloseSessions']);
    assert.deepEqual(
      keeper.list(USER).map(({ id }) => id),
      [2],
    );
    assert.equal(keeper.authorised(old.enrolled.token), undefined);
  });

  it('lets five PINs be tried, then none, and locks the number for longer each time', async () => {
    let locked = 600;
    for (let round = 0; round < 3; round++) {
      const { id, pin } = await begin();
      for (let left = 4; left >= 0; left--) {
        const result = await verify(id, wrong(pin));
        assert.deepEqual(result, { kind: 'wrong-pin', attemptsLeft: left });
      }
      assert.deepEqual(await verify(id, pin), { kind: 'unknown' });
      const refused = await registrar.begin(NUMBER, HERE);
      assert.ok(refused.kind === 'limited' && refused.by === 'number');
      assert.ok(refused.seconds >= locked, `${refused.seconds} of ${locked}`);
      locked *= 2;
      now += refused.seconds * SECOND;
    }
  });

  it('leaves 40 guesses at one number on the first day, and 5 on the next', async () => {
    const guesses: number[] = [];
    for (let day = 0; day < 3; day++) {
      const end = now + DAY;
      let tried = 0;
      while (now < end) {
        const result = await registrar.begin(NUMBER, `10.0.${tried}.${day}`);
        if (result.kind !== 'begun') {
          now += result.kind === 'limited' ? result.seconds * SECOND : SECOND;
          continue;
        }
        for (let attempt = 0; attempt < 5; attempt++) {
          await verify(result.id, wrong(result.pin), `10.1.${tried}.${day}`);
          tried++;
        }
      }
      guesses.push(tried);
    }
    assert.deepEqual(guesses, [40, 5, 5]);
  });

  it('waits twice as long for each PIN, and forgets that after a success or a day', async () => {
    open({ limits: { perNumberPerHour: 1000, perNumberPerDay: 1000 } });
    const waits: number[] = [];
    let last = await begin();
    for (let count = 0; count < 5; count++) {
      waits.push(last.resendAfterSeconds);
      now += last.resendAfterSeconds * SECOND - 1;
      const refused = await registrar.begin(NUMBER, HERE);
      assert.deepEqual(refused, { kind: 'limited', by: 'number', seconds: 1 });
      now += 1;
      last = await begin();
    }
    assert.deepEqual(waits, [60, 120, 240, 480, 960]);
    assert.equal((await verify(last.id, last.pin)).kind, 'verified');
    assert.equal((await begin()).resendAfterSeconds, 60);
    now += DAY + 60 * SECOND;
    assert.equal((await begin()).resendAfterSeconds, 60);
  });

  it('lets a PIN and a code expire, and cleans up behind them', async () => {
    const first = await begin();
    now += 600 * SECOND;
    assert.deepEqual(await verify(first.id, first.pin), { kind: 'unknown' });
    now += HOUR;
    const { id, pin } = await begin();
    now += 599 * SECOND;
    const result = await verify(id, pin);
    assert.ok(result.kind === 'verified');
    const link = await keeper.link(result.enrolled.device);
    assert.ok(link.kind === 'linking');
    now += 300 * SECOND;
    assert.deepEqual(await keeper.join(link.code, device, HERE), { kind: 'wrong-code' });
    await keeper.link(result.enrolled.device);
    now += 3 * DAY;
    await registrar.sweep();
    await keeper.sweep();
    for (const name of ['phone-registrations', 'device-links', 'quotas', 'number-delays']) {
      assert.equal(test.services.store.table(name).count(), 0, name);
    }
  });

  it('lets one of many verifications win, and one of many with a code', async () => {
    const { id, pin } = await begin();
    const tries = Array.from({ length: 30 }, () => verify(id, pin));
    const results = await Promise.all(tries);
    const won = results.filter(({ kind }) => kind === 'verified');
    assert.equal(won.length, 1);
    assert.ok(results.every(({ kind }) => kind === 'verified' || kind === 'unknown'));
    assert.equal(keeper.list(USER).length, 1);
    const [first] = won;
    assert.ok(first?.kind === 'verified');
    const link = await keeper.link(first.enrolled.device);
    assert.ok(link.kind === 'linking');
    const joins = Array.from({ length: 30 }, () => keeper.join(link.code, device, HERE));
    const joined = (await Promise.all(joins)).filter(({ kind }) => kind === 'joined');
    assert.equal(joined.length, 1);
    assert.equal(keeper.list(USER).length, 2);
  });

  it('counts wrong PINs tried at once as it counts others', async () => {
    const { id, pin } = await begin();
    const tries = Array.from({ length: 30 }, () => verify(id, wrong(pin)));
    const results = await Promise.all(tries);
    assert.equal(results.filter(({ kind }) => kind === 'wrong-pin').length, 5);
    assert.equal(results.filter(({ kind }) => kind === 'unknown').length, 25);
  });

  it('limits an address, and no other', async () => {
    open({ limits: { perAddressPerHour: 3, verificationsPerAddressPerHour: 4 } });
    for (let count = 0; count < 3; count++) await begin(`+1201555011${count}`);
    const refused = await registrar.begin('+12015550119', HERE);
    assert.deepEqual(refused, { kind: 'limited', by: 'address', seconds: 1200 });
    const { id, pin } = await begin('+12015550119', '192.0.2.2');
    for (let count = 0; count < 4; count++) await verify('nothing', '123456');
    assert.equal((await verify(id, pin)).kind, 'limited');
    assert.deepEqual(await keeper.join('x', device, HERE), { kind: 'limited', seconds: 900 });
    assert.equal((await verify(id, pin, '192.0.2.2')).kind, 'verified');
  });

  it('is busy when too many PINs wait, at nobody’s cost', async () => {
    let go: () => void = () => undefined;
    hold = new Promise((resolve) => {
      go = resolve;
    });
    const asked = Array.from({ length: 40 }, (_, index) =>
      registrar.begin(`+120155501${String(index + 10)}`, `192.0.2.${index}`),
    );
    const results = await Promise.all(asked);
    const busy = results.filter(({ kind }) => kind === 'busy').length;
    // All come at once: none is being sent yet, and five may wait.
    assert.equal(busy, 35);
    go();
    await new Promise((wake) => setTimeout(wake, 50));
    assert.equal(sent.length, 5);
    const index = results.findIndex(({ kind }) => kind === 'busy');
    assert.equal((await begin(`+120155501${index + 10}`, `192.0.2.${index}`)).kind, 'begun');
  });

  it('takes a code however it is typed, and refuses one of a device that is gone', async () => {
    const { id, pin } = await begin();
    const result = await verify(id, pin);
    assert.ok(result.kind === 'verified');
    const link = async (): Promise<string> => {
      const made = await keeper.link(result.enrolled.device);
      assert.ok(made.kind === 'linking');
      return made.code;
    };
    const typed = (await link()).toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O');
    assert.equal((await keeper.join(typed, device, HERE)).kind, 'joined');
    const code = await link();
    await keeper.remove(USER, result.enrolled.device.id);
    assert.deepEqual(await keeper.join(code, device, HERE), { kind: 'wrong-code' });
  });

  it('bounds the devices of an account', async () => {
    open({ limits: { maxDevices: 2, linksPerHour: 3 } });
    const { id, pin } = await begin();
    const result = await verify(id, pin);
    assert.ok(result.kind === 'verified');
    const codes: string[] = [];
    for (let count = 0; count < 3; count++) {
      const link = await keeper.link(result.enrolled.device);
      assert.ok(link.kind === 'linking');
      codes.push(link.code);
    }
    assert.equal((await keeper.link(result.enrolled.device)).kind, 'limited');
    assert.equal((await keeper.join(codes[0] ?? '', device, HERE)).kind, 'joined');
    assert.deepEqual(await keeper.join(codes[1] ?? '', device, HERE), { kind: 'full' });
    now += HOUR;
    assert.deepEqual(await keeper.link(result.enrolled.device), { kind: 'full' });
  });
});
