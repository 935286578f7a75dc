// A view that takes the place of the chat list, until one goes back.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { panel } from '../session.js';

/** The buttons that lead to panels have these ids, so that one comes back to them. */
export const OPENERS = { settings: 'open-settings', people: 'open-people' } as const;

function back(): void {
  const opener = panel.value === 'chats' ? undefined : OPENERS[panel.value];
  panel.value = 'chats';
  if (opener === undefined) return;
  requestAnimationFrame(() => document.getElementById(opener)?.focus());
}

/** With a heading and the way back; the Escape key is that, too. */
export function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section
      class="side panel"
      aria-labelledby="panel-title"
      onKeyDown={(event) => {
        if (event.key === 'Escape') back();
      }}
    >
      <header>
        <button type="button" class="icon" onClick={back} aria-label="Back to the chats">
          ‹
        </button>
        <h1 id="panel-title" ref={heading} tabIndex={-1}>
          {title}
        </h1>
      </header>
      {children}
    </section>
  );
}

/** A part of a panel. */
export function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
