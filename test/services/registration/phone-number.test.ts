// Which texts are numbers that may register.

import assert from 'node:assert/strict';
import {
  localPartOf,
  maskedNumber,
  parseNumber,
} from '../../../src/services/registration/phone-number.js';

describe('phone numbers', () => {
  const anywhere = { defaultCountry: '', countries: [] };

  it('are found in the ways in which people write them', () => {
    const ways: [written: string, country: string, number: string][] = [
      ['+491701234567', '', '+491701234567'],
      [' +49 (170) 123-4567', '', '+491701234567'],
      ['0170 1234567', 'de', '+491701234567'],
      ['(201) 555-0123', 'US', '+12015550123'],
      ['+12015550123', 'DE', '+12015550123'],
    ];
    for (const [written, country, number] of ways) {
      assert.equal(parseNumber(written, country, anywhere).number, number, written);
    }
    const german = { defaultCountry: 'DE', countries: [] };
    assert.equal(parseNumber('0170 1234567', '', german).number, '+491701234567');
    assert.equal(localPartOf('+491701234567'), '491701234567');
  });

  it('are refused when nobody can have them', () => {
    const bad = [
      '0170 1234567',
      '12',
      '+999123456789',
      '+1 201 555 012',
      '+12015550123;ext=5',
      '+12015550123 x5',
      'call +12015550123',
      '+1 201 555 0123 or +1 201 555 0124',
      'tel:+12015550123;phone-context=example.org',
      '١٢٣',
      '',
    ];
    for (const written of bad) assert.ok(parseNumber(written, '', anywhere).problem, written);
    assert.ok(parseNumber('0170 1234567', 'XX', anywhere).problem);
  });

  it('are refused when a message to them would be somebody’s trick', () => {
    for (const written of ['+1 900 555 0199', '+1 800 555 0100', '+44 9098790000']) {
      assert.ok(parseNumber(written, '', anywhere).problem, written);
    }
  });

  it('are of countries that are allowed', () => {
    const rules = { defaultCountry: '', countries: ['DE', 'AT'] };
    assert.ok(parseNumber('+491701234567', '', rules).number);
    assert.match(parseNumber('+12015550123', '', rules).problem ?? '', /country/u);
  });

  it('do not stand in a log', () => {
    assert.equal(maskedNumber('+491701234567'), '+49…67');
  });
});
