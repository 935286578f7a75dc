// What people are asked before an operation that cannot be taken back. The command line and the
// dashboard ask in the same words.

/** `{user}` is what was given for user; `{/resource}` is a slash and that, or nothing. */
const FIELD = /\{(\/?)(\w+)\}/gu;

/** The question, with what was given in its places. */
export function confirmWords(confirm: string, input: Readonly<Record<string, unknown>>): string {
  return confirm.replace(FIELD, (_, slash: string, name: string) => {
    const value = String(input[name] ?? '');
    return value === '' ? '' : `${slash}${value}`;
  });
}

/** The fields of the input that a question names. */
export function confirmFields(confirm: string): string[] {
  return [...confirm.matchAll(FIELD)].map(([, , name = '']) => name);
}
