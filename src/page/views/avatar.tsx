// Somebody's picture, or their initials on a colour of their own.

import { nameOf, people } from '../people.js';

const HUES = 8;

/** `Ann Lee` → `AL`; a number → its last two digits. */
function initialsOf(name: string): string {
  if (/^\+?[0-9]+$/u.test(name)) return name.slice(-2);
  const words = name.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => /[\p{L}\p{N}]/u.exec(word ?? '')?.[0] ?? '')
    .join('');
  return letters === '' ? '?' : letters.toLocaleUpperCase();
}

/** Mixed well, so that neighbouring numbers differ. */
function hueOf(address: string): number {
  let hash = 0;
  for (const letter of address) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x9e3779b1);
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}

/** It stands beside the name, so screen readers pass it over. */
export function Avatar({ peer, large = false }: { peer: string; large?: boolean }) {
  const size = large ? 'avatar large' : 'avatar';
  const { picture } = people.value.get(peer) ?? {};
  if (picture !== undefined) return <img class={size} src={picture} alt="" />;
  return (
    <span class={`${size} hue-${hueOf(peer)}`} aria-hidden="true">
      {initialsOf(nameOf(peer))}
    </span>
  );
}
