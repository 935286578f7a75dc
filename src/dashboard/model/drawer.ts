// What is open beside the overview: a user, a message, the actions, the alarms that there were.

import { signal } from '@preact/signals';

export type Drawer =
  | { readonly kind: 'user'; readonly user: string }
  | { readonly kind: 'message'; readonly id: string }
  | { readonly kind: 'nothing'; readonly text: string }
  | { readonly kind: 'actions' }
  | { readonly kind: 'alarms' };

export const drawer = signal<Drawer | undefined>(undefined);
let opener: HTMLElement | undefined;

export function open(next: Drawer): void {
  // One comes back to where one was, however many things were looked at meanwhile.
  if (drawer.value === undefined && document.activeElement instanceof HTMLElement) {
    opener = document.activeElement;
  }
  drawer.value = next;
}

export function shut(): void {
  drawer.value = undefined;
  opener?.focus();
  opener = undefined;
}
