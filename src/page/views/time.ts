// Times as people read them.

const DAY_MS = 86_400_000;

/** `14:05` today, `Mon 14:05` this week, a date before. */
export function timeOf(at: number): string {
  const date = new Date(at);
  const clock = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const age = Date.now() - at;
  if (age < DAY_MS && date.getDate() === new Date().getDate()) return clock;
  if (age < 6 * DAY_MS) return `${date.toLocaleDateString([], { weekday: 'short' })} ${clock}`;
  return date.toLocaleDateString();
}
