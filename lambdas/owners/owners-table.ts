/** The table of who owns which image, one item for each image and owner. */
export const ownersTable = {
  partitionKey: 'imageId',
  sortKey: 'owner',
  /**
   * Epoch seconds; only an announcement and an upload under way have it. DynamoDB deletes the item some time
   * after it.
   */
  timeToLive: 'expiresAtSeconds',
  /** The images of an owner, by the time since when they are the owner's. */
  newestIndex: { name: 'newest', partitionKey: 'owner', sortKey: 'createdAt' },
} as const;
