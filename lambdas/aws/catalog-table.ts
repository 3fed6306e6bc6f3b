/** The attribute and index names of the catalog's table. */
export const catalogTable = {
  partitionKey: 'id',
  /** Epoch seconds; DynamoDB deletes an item some time after it. */
  timeToLive: 'expiresAtSeconds',
  /** Holds the `received` images only, in the parts that `waitingParts` names. */
  waitingIndex: { name: 'waiting', partitionKey: 'waiting', sortKey: 'waitingSince' },
} as const;
