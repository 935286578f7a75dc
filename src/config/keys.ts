// The flat view of the schema: every key with its path, environment name, default and words.

import { z } from 'zod';
import { type FieldDoc, fieldDoc } from './fields.js';
import { configSchema } from './schema.js';

/** One leaf of the schema. */
export interface ConfigKey extends FieldDoc {
  /** `xmpp.directTls` */
  readonly name: string;
  /** `ROOKERY_XMPP_DIRECT_TLS` */
  readonly environment: string;
  readonly list: boolean;
  readonly schema: z.ZodType;
}

/** `xmpp.directTls` → `ROOKERY_XMPP_DIRECT_TLS`. */
export function environmentName(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/gu, '$1_$2').replaceAll('.', '_');
  return `ROOKERY_${words.toUpperCase()}`;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
    ? (schema.unwrap() as z.ZodType)
    : schema;
}

function walk(object: z.ZodObject, prefix: string): ConfigKey[] {
  return Object.entries(object.shape).flatMap(([key, value]) => {
    const schema = value as z.ZodType;
    const name = prefix + key;
    const inner = unwrapped(schema);
    if (inner instanceof z.ZodObject) return walk(inner, `${name}.`);
    const doc = fieldDoc(schema);
    if (doc === undefined) throw new Error(`${name} has no documentation`);
    const list = inner instanceof z.ZodArray;
    return [{ ...doc, name, environment: environmentName(name), list, schema }];
  });
}

/** Every key, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = walk(configSchema, '');
