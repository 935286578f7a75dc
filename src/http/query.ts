// Text as schemas want it: what stands behind `?` in an address, and what is written on a command
// line, has no types of its own.

import { z } from 'zod';

function unwrapped(schema: unknown): unknown {
  let at = schema;
  while (
    at instanceof z.ZodOptional ||
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault ||
    at instanceof z.ZodNullable
  ) {
    at = at.unwrap();
  }
  return at;
}

/** What kind of value a field takes. */
export function fieldKind(schema: unknown): 'number' | 'flag' | 'list' | 'text' {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodBoolean) return 'flag';
  return inner instanceof z.ZodArray ? 'list' : 'text';
}

/** One value in the type that its field takes; text that is of no such type stays text. */
export function typedValue(schema: unknown, text: string): unknown {
  const kind = fieldKind(schema);
  if (kind === 'number') return /^-?\d+(?:\.\d+)?$/u.test(text) ? Number(text) : text;
  if (kind === 'flag') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

/** The variables of a query, in the types that the schema's fields take. */
export function queryObject(schema: z.ZodObject, query: string): Record<string, unknown> {
  const written = new URLSearchParams(query);
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name of new Set(written.keys())) {
    const field: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    result[name] =
      fieldKind(field) === 'list'
        ? written.getAll(name)
        : typedValue(field, written.get(name) ?? '');
  }
  return { ...result };
}

/** The query that queryObject reads back. */
export function queryOf(input: Readonly<Record<string, unknown>>): string {
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(input)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== undefined) written.append(name, String(one));
  }
  return written.toString();
}
