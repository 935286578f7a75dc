// Typed events, the same in Node and in browsers.

type Listener<Value> = (value: Value) => void;

/** Something with events: `Events` maps their names to what listeners are given. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls `listener` at each such event; gives a function that ends it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set);
    set.add(listener as Listener<never>);
    return () => {
      set.delete(listener as Listener<never>);
    };
  }

  /** Resolves with the next such event that fits. */
  once<Name extends keyof Events>(
    name: Name,
    fits: (value: Events[Name]) => boolean = () => true,
  ): Promise<Events[Name]> {
    return new Promise((resolve) => {
      const end = this.on(name, (value) => {
        if (!fits(value)) return;
        end();
        resolve(value);
      });
    });
  }

  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as Listener<Events[Name]>)(value);
      } catch (error) {
        // The fault is the listener's: it is reported as any other, and harms nothing here.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
