// A part of the overview: a card with a heading.

import type { ComponentChildren } from 'preact';

export function Section(props: {
  id: string;
  title: string;
  /** Beside the heading. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  const { id, title, aside, children } = props;
  return (
    <section class={`card ${id}`} id={id} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
