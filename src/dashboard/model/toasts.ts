// Short messages about what was done, or why it was not.

import { signal } from '@preact/signals';
import { ApiError } from '../api/request.js';

const SHOWN_MS = 7000;
const MOST = 4;

export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly message: string;
  /** Small, beneath it. */
  readonly more: string;
}

export const toasts = signal<readonly Toast[]>([]);
let last = 0;

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function show(toast: Omit<Toast, 'id'>): void {
  const id = ++last;
  toasts.value = [...toasts.value, { ...toast, id }].slice(-MOST);
  // What went wrong stays until somebody has read it.
  if (toast.kind === 'done') setTimeout(() => dismiss(id), SHOWN_MS);
}

export function tell(message: string, more = ''): void {
  show({ kind: 'done', message, more });
}

export function complain(error: unknown): void {
  if (error instanceof ApiError) {
    const rule = `Rule: ${error.rule}.`;
    show({ kind: 'failed', message: error.message, more: `${rule} ${error.advice}`.trim() });
  } else {
    show({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      more: '',
    });
  }
}
