/** The attribute names of the admission table. */
export const admissionTable = {
  /**
   * `uploads#<day>#<shard>`: a share of a day's budget. `waiting#<number>`: the lease of a waiting caller.
   */
  partitionKey: 'id',
  /** Epoch seconds; DynamoDB deletes an item some time after it. */
  timeToLive: 'expiresAtSeconds',
} as const;
