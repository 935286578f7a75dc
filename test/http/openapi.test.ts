// The document of the HTTP interface: it is the one in docs/, and all that it refers to is in it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { version } from '../../src/base/version.js';
import { apiRoutes } from '../../src/boot/http-service.js';
import type { ApiParts } from '../../src/http/api-parts.js';
import { openApiDocument } from '../../src/http/openapi.js';

describe('openapi document', () => {
  const routes = apiRoutes({} as ApiParts);
  const document = openApiDocument(routes, version);
  const text = JSON.stringify(document, null, 2);

  it('is the one in docs/openapi.json (else: npm run generate:openapi)', () => {
    const file = new URL('../../docs/openapi.json', import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), `${text}\n`);
  });

  it('holds everything that it refers to', () => {
    const { schemas } = document.components as { schemas: Record<string, unknown> };
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/gu)].map(([, name]) => name);
    assert.ok(names.length > 20);
    for (const name of names) assert.ok(name !== undefined && name in schemas, name);
  });

  it('has each operation once, with its variables and its answers', () => {
    const operations = routes.map(({ operation }) => operation);
    assert.equal(new Set(operations).size, operations.length);
    for (const { path, params, responses } of routes) {
      const variables = [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => name);
      assert.deepEqual(variables, Object.keys(params?.shape ?? {}));
      assert.ok(Object.keys(responses).some((status) => status.startsWith('2')));
    }
  });
});
