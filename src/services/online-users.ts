// Which users have an available session, as the engine has said. Small, because there may be
// hundreds of thousands: most users have one session, and that is kept without a set around it.

/** Counts available sessions by user. */
export class OnlineUsers {
  private readonly users = new Map<string, bigint | Set<bigint>>();

  /** How many users are online. */
  get size(): number {
    return this.users.size;
  }

  has(user: string): boolean {
    return this.users.has(user);
  }

  available(user: string, session: bigint): void {
    const known = this.users.get(user);
    if (known === undefined) this.users.set(user, session);
    else if (typeof known !== 'bigint') known.add(session);
    else if (known !== session) this.users.set(user, new Set([known, session]));
  }

  /** True when this was the user's last available session. */
  ended(user: string, session: bigint): boolean {
    const known = this.users.get(user);
    if (known === undefined) return false;
    if (typeof known === 'bigint') return known === session && this.users.delete(user);
    known.delete(session);
    return known.size === 0 && this.users.delete(user);
  }
}
