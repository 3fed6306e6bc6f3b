/**
 * Patches: the mails in the store of aws-ses-v2-local.
 * Why: its page shows a mail's HTML but not the attachments that the HTML refers to by `cid:`.
 * Restores: a mail program shows these pictures.
 * Upstream issue: none found.
 */
import type { Server } from 'node:http';
import { getStoreReadonly } from 'aws-ses-v2-local/dist/store.js';

/** Runs before each request, because mails may have arrived since the last one. */
export const showInlinePictures = (server: Server): void => {
  server.prependListener('request', embedPictures);
};

const embedPictures = (): void => {
  for (const { body, attachments } of getStoreReadonly().emails) {
    for (const attachment of attachments) {
      const { contentType, content } = attachment;
      // The package's types lack this property.
      if (!('contentId' in attachment)) continue;
      body.html = body.html?.replaceAll(
        `cid:${attachment.contentId}`,
        `data:${contentType};base64,${content}`,
      );
    }
  }
};
