// The sheet at the side: the overview goes on beside it. The Escape key closes it, and the focus
// goes back to where it came from.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { asking } from '../model/acting.js';
import { shut } from '../model/drawer.js';
import { CloseIcon } from './icons.js';

export function DrawerFrame({ title, children }: { title: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // Another title is another sheet.
  useEffect(() => heading.current?.focus(), [title]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && asking.value === undefined) shut();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <aside class="drawer" aria-labelledby="drawer-title">
      <header>
        <h2 id="drawer-title" class="breakable" ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" class="icon" aria-label="Close" onClick={shut}>
          <CloseIcon />
        </button>
      </header>
      <div class="content">{children}</div>
    </aside>
  );
}
