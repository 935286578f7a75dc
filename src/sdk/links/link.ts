// A way of bytes to the server, whatever carries them.

/** An open connection. The owner sets both callbacks before it gives the event loop back. */
export interface Link {
  send(bytes: Uint8Array): void;
  /** Closes; `onClose` is called when that is done. May be called more than once. */
  close(): void;
  /** Bytes that came, cut anywhere. They are the receiver's to keep. */
  onBytes: (bytes: Uint8Array) => void;
  /** The connection is gone. Called once. */
  onClose: (why?: Error) => void;
}

/** A host and a port. */
export interface Place {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Opens a connection; rejects when it cannot be, or when `signal` is aborted. */
export interface Dial {
  (signal: AbortSignal): Promise<Link>;
  /** The same way of dialling, to another place: where a server redirects to. */
  elsewhere?(place: Place): Dial;
}
