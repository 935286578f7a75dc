// A sentence in which `this` is something to type.

import type { ComponentChildren } from 'preact';

export function MarkedText({ text }: { text: string }) {
  const parts: ComponentChildren[] = text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part));
  return <>{parts}</>;
}
