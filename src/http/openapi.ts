// The OpenAPI document, from the routes themselves.

import { z } from 'zod';
import { problemSchema } from './problem.js';
import { type ResponseDoc, type Route, route } from './route.js';

type Json = { [key: string]: unknown };

/** Collects the schemas that have names, so that each stands in the document once. */
class Components {
  readonly schemas: Json = {};

  constructor(readonly security: string) {}

  /** A reference to a named schema, or an unnamed one in place. */
  use(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io }) as Json;
    const id = schema.meta()?.id;
    if (id === undefined) return json;
    delete json.id;
    this.schemas[id] = json;
    return { $ref: `#/components/schemas/${id}` };
  }
}

function response(status: number, { description, schema }: ResponseDoc, parts: Components): Json {
  const limited = status === 429 || status === 503;
  const headers = limited
    ? { headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } } }
    : {};
  if (status >= 400) {
    const problem = parts.use(problemSchema, 'output');
    return {
      description,
      ...headers,
      content: { 'application/problem+json': { schema: problem } },
    };
  }
  if (schema === undefined) return { description };
  return {
    description,
    content: { 'application/json': { schema: parts.use(schema, 'output') } },
  };
}

function parameters({ params, query }: Route, parts: Components): Json[] {
  const inPath = Object.entries(params?.shape ?? {}).map(([name, value]) => ({
    name,
    in: 'path',
    required: true,
    schema: parts.use(value as z.ZodType, 'input'),
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, value]) => ({
    name,
    in: 'query',
    required: !(value as z.ZodType).safeParse(undefined).success,
    schema: parts.use(value as z.ZodType, 'input'),
  }));
  return [...inPath, ...inQuery];
}

function operation(entry: Route, parts: Components): Json {
  const places = parameters(entry, parts);
  const responses = Object.entries(entry.responses).map(([status, doc]) => [
    status,
    response(Number(status), doc, parts),
  ]);
  return {
    operationId: entry.operation,
    summary: entry.summary,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    ...(entry.bearer === true ? { security: [{ [parts.security]: [] }] } : {}),
    ...(places.length === 0 ? {} : { parameters: places }),
    ...(entry.body === undefined
      ? {}
      : {
          requestBody: {
            required: entry.bodyOptional !== true,
            content: { 'application/json': { schema: parts.use(entry.body, 'input') } },
          },
        }),
    responses: Object.fromEntries(responses) as Json,
    ...entry.extensions,
  };
}

/** What a document says of the whole interface. */
export interface DocumentHead {
  readonly title: string;
  readonly description: string;
  /** The name of the tokens that its routes want. */
  readonly security: string;
}

const HEAD: DocumentHead = {
  title: 'Rookery',
  description:
    'Registration by phone number, and the devices of an account. Every error is a problem ' +
    'of RFC 9457; requests may be refused with 408, 413, 415 and 429 before they are read.',
  security: 'device',
};

/** The document of these routes. */
export function openApiDocument(
  routes: readonly Route[],
  version: string,
  head: DocumentHead = HEAD,
): Json {
  const parts = new Components(head.security);
  const paths: Record<string, Json> = {};
  for (const entry of routes) {
    const path = paths[entry.path] ?? {};
    path[entry.method.toLowerCase()] = operation(entry, parts);
    paths[entry.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: head.title,
      version,
      description: head.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: parts.schemas,
      securitySchemes: { [head.security]: { type: 'http', scheme: 'bearer' } },
    },
  };
}

/** The route that serves the document of the others. */
export function openApiRoute(
  routes: readonly Route[],
  version: string,
  head: DocumentHead = HEAD,
): Route {
  const document = openApiDocument(routes, version, head);
  return route({
    method: 'GET',
    path: '/api/openapi.json',
    operation: 'describeInterface',
    summary: 'This document',
    responses: { 200: { description: 'The document.' } },
    handle: async () => ({ status: 200, body: document }),
  });
}
