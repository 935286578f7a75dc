// Everything at a glance, from the sentence to the tables.

import { isOld, link, view } from '../model/live.js';
import { BacklogTable } from './backlog-table.js';
import { ChartSection } from './chart-section.js';
import { FigureTiles } from './figure-tiles.js';
import { HandlerTable } from './handler-table.js';
import { HealthBanner } from './health-banner.js';
import { QueueTable } from './queue-table.js';
import { ShardTable } from './shard-table.js';
import { StoreTable } from './store-table.js';

export function Overview() {
  const now = view.value;
  if (now === undefined) {
    const away = link.value.state === 'waiting' ? link.value.why : '';
    return (
      <main class="overview" id="overview">
        <p class="first" role="status">
          {away === '' ? 'Waiting for the first figures …' : away}
        </p>
      </main>
    );
  }
  return (
    <main class={isOld() ? 'overview old' : 'overview'} id="overview">
      <HealthBanner view={now} />
      <FigureTiles view={now} />
      <div class="pair">
        <div class="column">
          <ShardTable rows={now.shards} alarms={now.alarms} />
          <StoreTable rows={now.stores} alarms={now.alarms} />
        </div>
        <QueueTable rows={now.queues} alarms={now.alarms} />
      </div>
      <ChartSection />
      <div class="pair">
        <HandlerTable control={now.control} />
        <BacklogTable now={now.at} />
      </div>
    </main>
  );
}
