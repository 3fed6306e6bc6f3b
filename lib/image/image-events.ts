import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/**
 * Tells whoever subscribes what happens to images. Its policy refuses what comes without TLS and allows nobody anything:
 * roles of this account publish because their own policies say so.
 */
export class ImageEvents extends Topic {
  constructor(scope: Construct, id: string) {
    super(scope, id, { displayName: 'What happens to images', enforceSSL: true });
  }
}
