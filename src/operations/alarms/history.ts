// The alarms that there were, in the control plane's store, so that a restart does not forget them.

import type { Store, Table } from '../../services/store.js';
import type { AlarmState } from './alarm.js';

const KEPT = 1000;

const keyOf = (id: number): string => String(id).padStart(12, '0');

/** The history. */
export class AlarmHistory {
  private readonly table: Table<AlarmState>;
  private last = 0;

  constructor(private readonly store: Store) {
    this.table = store.table('alarms');
  }

  /** Ends what a server that is gone had raised: whatever is still wrong is raised anew. */
  async open(at: number): Promise<void> {
    await this.store.transaction(() => {
      for (const alarm of [...this.table.values()]) {
        this.last = Math.max(this.last, alarm.id);
        if (alarm.clearedAt === 0) this.table.put({ ...alarm, clearedAt: at }, keyOf(alarm.id));
      }
    });
  }

  nextId(): number {
    return ++this.last;
  }

  /** Writes an alarm down as it is now; the oldest make room. */
  async note(alarm: AlarmState): Promise<void> {
    await this.store.transaction(() => {
      this.table.put(alarm, keyOf(alarm.id));
      if (alarm.id > KEPT) this.table.remove(keyOf(alarm.id - KEPT));
    });
  }

  /** The newest first. */
  list(limit: number): AlarmState[] {
    this.store.refresh();
    return [...this.table.values()].reverse().slice(0, limit);
  }
}
