// The pictures on buttons, drawn in lines of the text's colour.

import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="drawing" viewBox="0 0 24 24" aria-hidden="true">
      {children}
    </svg>
  );
}

/** Two people. */
export function PeopleIcon() {
  return (
    <Icon>
      <circle cx="9" cy="8" r="3.5" />
      <path d="M2.5 19.5c0-4 3-6.5 6.5-6.5s6.5 2.5 6.5 6.5" />
      <path d="M15.5 4.8a3.5 3.5 0 0 1 0 6.4M17.5 13.6c2.4.9 4 3 4 5.9" />
    </Icon>
  );
}

/** Two sliders. */
export function SettingsIcon() {
  return (
    <Icon>
      <path d="M3 8h8M17 8h4M3 16h3M12 16h9" />
      <circle cx="14" cy="8" r="3" />
      <circle cx="9" cy="16" r="3" />
    </Icon>
  );
}
