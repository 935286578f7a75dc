// The first thing that is seen: how the server is, as a shape, a colour and a sentence. That is the
// worst alarm, when one is raised.

import { useEffect } from 'preact/hooks';
import type { Level } from '../../operations/view/level.js';
import type { ServerView } from '../../operations/view/server-view.js';
import { shortSpan } from '../../operations/words.js';
import { type Health, healthOf, inOrder } from '../model/health.js';
import { clock, heardAt, isOld, troubles } from '../model/live.js';
import { AcknowledgeButton, AlarmFacts, useRules } from './alarm-facts.js';
import { AlarmList } from './alarm-list.js';
import { SpokenMark } from './icons.js';

const SIGNS: Readonly<Record<Level, string>> = { well: '●', busy: '▲', bad: '✖' };

function Sentence({ health: { level, sentence, more } }: { health: Health }) {
  return (
    <>
      <SpokenMark level={level} />
      <div>
        <div role="status">
          <p class="sentence">{sentence}</p>
        </div>
        <p>{more}</p>
      </div>
    </>
  );
}

function Away() {
  const age = shortSpan((clock.value - heardAt.value) / 1000);
  return (
    <section class="health stale" aria-label="Health">
      <div role="status">
        <p class="sentence">The server does not answer.</p>
      </div>
      <p>What is below is {age} old. The server is asked again and again.</p>
    </section>
  );
}

export function HealthBanner({ view }: { view: ServerView }) {
  const { alarms, at, server } = view;
  const rules = useRules(alarms.length > 0);
  const health = healthOf(view, troubles.value);
  const sign = isOld() ? '?' : SIGNS[health.level];
  useEffect(() => {
    document.title = `${sign} ${server.domain} – Rookery`;
  }, [sign, server.domain]);
  if (isOld()) return <Away />;
  const [worst, ...others] = inOrder(alarms);
  if (worst === undefined) {
    return (
      <section class={`health ${health.level}`} aria-label="Health">
        <Sentence health={health} />
      </section>
    );
  }
  return (
    <>
      <section class={`health ${health.level}`} aria-label="Health" data-alarm={worst.id}>
        <SpokenMark level={health.level} />
        <div>
          <div role="status">
            <p class="sentence">{health.sentence}</p>
          </div>
          <AlarmFacts alarm={worst} now={at} rule={rules.get(worst.rule)} />
        </div>
        <AcknowledgeButton alarm={worst} />
      </section>
      <AlarmList alarms={others} now={at} rules={rules} />
    </>
  );
}
