// The documents of the HTTP interfaces: they are the ones in docs/, and all that they refer to is
// in them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { documentedRoutes, documents } from '../../src/boot/documents.js';

for (const [name, document] of Object.entries(documents())) {
  describe(`openapi document ${name}`, () => {
    const text = JSON.stringify(document, null, 2);
    const routes = name === 'openapi.json' ? documentedRoutes().api : documentedRoutes().admin;

    it('is the one in docs/ (else: npm run generate:openapi)', () => {
      const file = new URL(`../../docs/${name}`, import.meta.url);
      assert.equal(readFileSync(file, 'utf8'), `${text}\n`);
    });

    it('holds everything that it refers to', () => {
      const { schemas } = document.components as { schemas: Record<string, unknown> };
      const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/gu)].map(([, to]) => to);
      assert.ok(names.length > 20);
      for (const to of names) assert.ok(to !== undefined && to in schemas, to);
    });

    it('has each operation once, with its variables and its answers', () => {
      const operations = routes.map(({ operation }) => operation);
      assert.equal(new Set(operations).size, operations.length);
      for (const { path, params, responses } of routes) {
        const variables = [...path.matchAll(/\{(\w+)\}/gu)].map(([, variable]) => variable);
        assert.deepEqual(variables, Object.keys(params?.shape ?? {}));
        assert.ok(Object.keys(responses).some((status) => status.startsWith('2')));
      }
    });
  });
}
