// Profiles: what is set is read back, here and in the vCard; limits; and what is hidden.

import assert from 'node:assert/strict';
import { condition, Harness } from './harness.js';

const NS = 'urn:rookery:profile:1';
const GET = `<profile xmlns='${NS}'/>`;
const ANN = { to: 'ann@example.org' };
const PNG = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1');

describe('profiles', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness();
    await harness.start('ann', 'bob');
  });
  afterEach(() => harness.close());

  const set = (content: string, options = {}) =>
    harness.iq('ann', 'set', `<profile xmlns='${NS}'>${content}</profile>`, options);
  const read = async (asker = 'bob') => {
    const answer = await harness.iq(asker, 'get', GET, asker === 'ann' ? {} : ANN);
    const profile = answer.getChild('profile', NS);
    const picture = profile?.getChild('picture', NS);
    return {
      name: profile?.getChildText('name'),
      about: profile?.getChildText('about'),
      type: picture?.attrs.type,
      picture: picture?.getText(),
    };
  };
  const none = { name: null, about: null, type: undefined, picture: undefined };

  it('is empty at first, and not told from a missing account', async () => {
    assert.deepEqual(await read('ann'), none);
    for (const to of ['ann@example.org', 'nobody@example.org']) {
      assert.equal(condition(await harness.iq('bob', 'get', GET, { to })), 'service-unavailable');
    }
  });

  it('changes what is named, and keeps it in the vCard', async () => {
    const card = '<vCard xmlns="vcard-temp"><FN>Old</FN><TITLE>Dr</TITLE></vCard>';
    await harness.iq('ann', 'set', card);
    assert.equal((await read()).name, 'Old');
    const picture = PNG.toString('base64');
    const content = `<about> a &lt; b </about><picture type='image/svg+xml'>${picture}</picture>`;
    assert.equal(condition(await set(content)), '');
    assert.deepEqual(await read(), { name: 'Old', about: 'a < b', type: 'image/png', picture });
    await set('<name>Ann</name>');
    assert.equal((await read()).name, 'Ann');
    const answer = await harness.iq('bob', 'get', "<vCard xmlns='vcard-temp'/>", ANN);
    const stored = answer.getChild('vCard', 'vcard-temp');
    assert.equal(stored?.getChildText('FN'), 'Ann');
    assert.equal(stored?.getChildText('TITLE'), 'Dr');
    assert.equal(stored?.getChild('PHOTO')?.getChildText('BINVAL'), picture);
    assert.equal(stored?.getChildren('FN').length, 1);
    await set('<name/><about/><picture/>');
    assert.deepEqual(await read('ann'), none);
  });

  it('has limits, and takes pictures only', async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(65_536)]).toString('base64');
    for (const [content, expected] of [
      [`<name>${'ä'.repeat(100)}</name>`, ''],
      [`<name>${'ä'.repeat(101)}</name>`, 'policy-violation'],
      [`<about>${'x'.repeat(501)}</about>`, 'policy-violation'],
      [`<picture>${large}</picture>`, 'policy-violation'],
      [`<picture>${Buffer.from('<svg/>').toString('base64')}</picture>`, 'not-acceptable'],
      ['<picture>%</picture>', 'not-acceptable'],
      ['<shoes>42</shoes>', 'bad-request'],
    ] as const) {
      assert.equal(condition(await set(content)), expected, content.slice(0, 40));
    }
    assert.equal(condition(await set('<name>B</name>', { to: 'bob@example.org' })), 'forbidden');
  });

  it('hides about and picture as the settings say', async () => {
    await set(`<name>Ann</name><about>Here</about><picture>${PNG.toString('base64')}</picture>`);
    const hide = "profile-picture='nobody' about='nobody'";
    await harness.iq('ann', 'set', `<privacy xmlns='urn:rookery:privacy:1' ${hide}/>`);
    assert.deepEqual(await read(), { ...none, name: 'Ann' });
    assert.equal((await read('ann')).about, 'Here');
  });
});
