/**
 * Patches: `PersistenceManager.updateMessageReady` of fauxqs.
 * Why: it sets the receive count to NULL, which the column does not allow. So a released message is lost.
 * Restores: in SQS a consumer that sets the visibility timeout to 0 gets the message again.
 * Upstream issue: none found.
 */
import { type Disk, isFailedWrite } from '../disk.ts';
import type { PersistenceManager } from './fauxqs-internals.ts';

export const keepReleasedMessages = (persistence: PersistenceManager, disk: Disk): void => {
  persistence.updateMessageReady = (messageId) => {
    try {
      persistence.updateMessageInflight(messageId, '', 0, 0, undefined);
    } catch (error) {
      // The message has left the list in memory and would be lost if this were thrown. The row on disk keeps
      // it hidden until its timeout, which only matters after a restart.
      if (!isFailedWrite(error)) throw error;
      disk.reportFailedWrite(error);
    }
  };
};
