// How a queue of the control plane is, in the words that all of them share.

/** How a queue is; each has more to say of itself. */
export type QueueStatus = {
  readonly name: string;
  readonly depth: number;
  readonly limit: number;
  readonly refused: number;
};
