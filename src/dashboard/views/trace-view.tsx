// The stanzas of a user as they come and go, without what people say.

import { useEffect, useRef } from 'preact/hooks';
import { obstacle } from '../model/acting.js';
import { startTracing, stopTracing, tracing } from '../model/tracing.js';

function stamp(atUs: number): string {
  return new Date(atUs / 1000).toISOString().slice(11, 23);
}

function Stanzas() {
  const list = useRef<HTMLOListElement>(null);
  const current = tracing.value;
  const last = current?.stanzas.at(-1)?.key;
  // What is new is scrolled to.
  useEffect(() => {
    const { current: box } = list;
    if (box !== null) box.scrollTop = box.scrollHeight;
  }, [last]);
  if (current === undefined) return null;
  const { stanzas, dropped } = current;
  return (
    <>
      {dropped > 0 ? <p class="faint">{dropped} earlier ones are not shown.</p> : undefined}
      {stanzas.length === 0 ? <p class="faint">Nothing has come yet.</p> : undefined}
      <ol class="trace" ref={list} aria-label="Stanzas">
        {stanzas.map(({ key, atUs, resource, direction, stanza }) => (
          <li key={key} class={direction}>
            <p class="faint">
              <b>{direction === 'in' ? '→ from' : '← to'}</b> {resource} {stamp(atUs)}
            </p>
            <code>{stanza}</code>
          </li>
        ))}
      </ol>
    </>
  );
}

export function TraceView({ user }: { user: string }) {
  const why = obstacle('traceStart');
  const isOn = tracing.value !== undefined;
  return (
    <section aria-labelledby="trace-title">
      <header class="row">
        <h3 id="trace-title">Trace</h3>
        <button
          type="button"
          class="small"
          disabled={why !== undefined}
          title={why}
          onClick={() => (isOn ? stopTracing() : void startTracing(user))}
        >
          {isOn ? 'Stop' : 'Start'}
        </button>
      </header>
      <p class="faint">{why ?? 'Live stanzas; what people say is replaced by its length.'}</p>
      <Stanzas />
    </section>
  );
}
