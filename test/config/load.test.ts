// The configuration: every problem at once, each with its line and with what to write instead.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ConfigError, configFromObject, configFromText } from '../../src/config/load.js';
import { configurationReference } from '../../src/config/reference.js';

function problemsOf(text: string, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    configFromText(text, 'rookery.yaml', environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ where, message }) => `${where}: ${message}`);
  }
  return [];
}

describe('configuration', () => {
  it('has a default for every key', () => {
    const config = configFromText('', 'rookery.yaml', {});
    assert.equal(config.domain, 'localhost');
    assert.equal(config.xmpp.starttls, 'required');
    assert.equal(config.xmpp.plainAuthWithoutTls, false);
    assert.equal(config.registration.enabled, false);
    assert.equal(config.tls.cert, `${config.data}/tls/cert.pem`);
  });

  it('reports all problems at once, with lines', () => {
    const problems = problemsOf(
      'domian: a.example\nshards: many\nxmpp:\n  listen: ["localhost", 7]\n  starttls: maybe\n' +
        'limits:\n  maxDeph: 4\nresumeSeconds: 4\npool: 3\n',
    );
    assert.equal(problems.length, 8);
    for (const expected of [
      'rookery.yaml:1: domian is not a known key; did you mean domain?',
      'rookery.yaml:2: shards is "many"; write a whole number from 1 to 1000',
      'rookery.yaml:5: xmpp.starttls is "maybe"; write one of `required`, `optional`, `off`',
      'rookery.yaml:7: limits.maxDeph is not a known key; did you mean limits.maxDepth?',
      'rookery.yaml:8: resumeSeconds is not a known key; did you mean limits.resumeSeconds?',
      'rookery.yaml:9: pool is 3; write keys of this section below it, indented',
    ]) {
      assert.ok(problems.includes(expected), `${expected}\nnot in\n${problems.join('\n')}`);
    }
    assert.ok(problems.some((line) => line.startsWith('rookery.yaml:4: xmpp.listen[0] is')));
  });

  it('names the line of a syntax error and of a doubled key', () => {
    assert.match(problemsOf('domain: a\ndomain: b\n')[0] ?? '', /^rookery\.yaml:2: /u);
    assert.match(problemsOf('domain: a\nxmpp: [\n')[0] ?? '', /^rookery\.yaml:\d: /u);
  });

  it('lets the environment win, and names it in problems', () => {
    const config = configFromText('shards: 2\n', 'rookery.yaml', {
      ROOKERY_SHARDS: '3',
      ROOKERY_XMPP_LISTEN: '*:1, [::]:2',
      ROOKERY_DOMAIN: '7.example',
    });
    assert.equal(config.shards, 3);
    assert.deepEqual(config.xmpp.listen, ['0.0.0.0:1', '[::]:2']);
    assert.equal(config.domain, '7.example');
    assert.deepEqual(problemsOf('', { ROOKERY_SHARDS: 'x' }), [
      'environment ROOKERY_SHARDS: shards is "x"; write a whole number from 1 to 1000',
    ]);
    assert.deepEqual(problemsOf('', { ROOKERY_SHARD: '1' }), [
      'environment ROOKERY_SHARD: is not a known name; did you mean ROOKERY_SHARDS?',
    ]);
  });

  it('sees contradictions between keys', () => {
    const problems = problemsOf(
      'xmpp: { listen: [], directTls: [] }\nwebsocket: { listen: [], directTls: [] }\n' +
        'compact: { listen: [] }\n' +
        'tls: { cert: a.pem }\n' +
        'limits: { maxStanzaBytes: 10000, maxUnauthenticatedBytes: 20000 }\n',
    );
    assert.equal(problems.length, 3);
    assert.match(
      problemsOf('xmpp: { listen: ["127.0.0.1:5280"] }\n').join(),
      /http\.listen opens 127\.0\.0\.1:5280 a second time/u,
    );
  });

  it('takes paths relative to the file, and to a folder for objects', () => {
    const config = configFromText('data: d\ntls: { cert: c, key: k }\n', '/etc/r/rookery.yaml', {});
    assert.equal(config.data, '/etc/r/d');
    assert.equal(config.tls.cert, '/etc/r/c');
    assert.equal(configFromObject({ data: 'd' }, '/srv').data, '/srv/d');
  });

  it('has an up-to-date reference', () => {
    const file = new URL('../../docs/CONFIGURATION.md', import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), configurationReference());
  });
});
