/** How a queue delivered a message. */
export interface Delivery {
  /** How often the queue has delivered it, including this time. */
  readonly receiveCount: number;
}
