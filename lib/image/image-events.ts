import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/**
 * Publishes what happens to images. Its policy refuses requests without TLS and grants nothing: roles of this
 * account publish and subscribe by their own policies.
 */
export class ImageEvents extends Topic {
  constructor(scope: Construct, id: string) {
    super(scope, id, { displayName: 'What happens to images', enforceSSL: true });
  }
}
