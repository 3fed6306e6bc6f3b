/** How a queue hands out a message. */
export interface Delivery {
  /** How often the queue has handed it out by now, this time included. */
  readonly receiveCount: number;
}
