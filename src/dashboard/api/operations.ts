// What the server's OpenAPI document says of the operations: their words, who may use them, and
// what people are asked before. So the page and the command line ask the same questions.

import type { Role } from './answers.js';
import { ask } from './request.js';

/** A field of an operation's input, as a form shows it. */
export interface Field {
  readonly name: string;
  readonly description: string;
  readonly type: 'choice' | 'number' | 'flag' | 'text';
  readonly choices: readonly string[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly initial: string;
}

/** An operation that changes something. */
export interface Action {
  /** As the document calls it: `alarmAcknowledge`. */
  readonly id: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly role: Role;
  /** A question with `{field}`s; empty: nothing that could be regretted. */
  readonly confirm: string;
  readonly fields: readonly Field[];
}

interface SchemaJson {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number | boolean;
}

interface OperationJson {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly 'x-rookery-role'?: Role;
  readonly 'x-rookery-confirm'?: string;
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json'?: {
        readonly schema: { readonly properties?: Readonly<Record<string, SchemaJson>> };
      };
    };
  };
}

interface DocumentJson {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationJson>>>>;
}

function typeOf({ type, enum: choices }: SchemaJson): Field['type'] {
  if (choices !== undefined) return 'choice';
  if (type === 'integer' || type === 'number') return 'number';
  return type === 'boolean' ? 'flag' : 'text';
}

function fieldOf(name: string, schema: SchemaJson): Field {
  return {
    name,
    description: schema.description ?? '',
    type: typeOf(schema),
    choices: schema.enum ?? [],
    minimum: schema.minimum,
    maximum: schema.maximum,
    initial: schema.default === undefined ? '' : String(schema.default),
  };
}

function actionOf(path: string, post: OperationJson): Action {
  const schema = post.requestBody?.content['application/json']?.schema;
  return {
    id: post.operationId,
    path: path.replace(/^\//u, ''),
    summary: post.summary,
    description: post.description ?? '',
    role: post['x-rookery-role'] ?? 'admin',
    confirm: post['x-rookery-confirm'] ?? '',
    fields: Object.entries(schema?.properties ?? {}).map(([name, each]) => fieldOf(name, each)),
  };
}

/** Every operation that changes something, by its name in the document. */
export function actionsOf(document: DocumentJson): ReadonlyMap<string, Action> {
  const actions = new Map<string, Action>();
  for (const [path, methods] of Object.entries(document.paths)) {
    const { post } = methods;
    if (post !== undefined) actions.set(post.operationId, actionOf(path, post));
  }
  return actions;
}

export async function loadActions(token: string): Promise<ReadonlyMap<string, Action>> {
  return actionsOf(await ask<DocumentJson>('api/openapi.json', { token }));
}
