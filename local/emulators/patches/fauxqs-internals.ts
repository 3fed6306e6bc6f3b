/**
 * Reaches: the stores inside fauxqs, by their paths in node_modules.
 * Why: the package exports only `startFauxqs`, which always listens on 0.0.0.0. With the stores the app can
 * listen on 127.0.0.1, and the other patches can change how the stores behave.
 * Upstream issue: none found.
 */
export { PersistenceManager } from '../../../node_modules/fauxqs/dist/persistence.js';
export { S3Store } from '../../../node_modules/fauxqs/dist/s3/s3Store.js';
export { SnsStore } from '../../../node_modules/fauxqs/dist/sns/snsStore.js';
export { type SqsQueue, SqsStore } from '../../../node_modules/fauxqs/dist/sqs/sqsStore.js';
