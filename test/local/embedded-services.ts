import { type Ports, portsFrom } from '../../local/ports.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, until } from './local-run.ts';
import { startNode, temporaryFolder } from './processes.ts';

export interface EmbeddedServices {
  readonly folder: string;
  readonly ports: Ports;
  readonly aws: AwsClients;
}

/**
 * The AWS services alone, in a process of their own that ends with the tests.
 *
 * @param visibilityTimeoutSeconds how long a message that was handed out stays hidden
 */
export const startEmbeddedServices = async (visibilityTimeoutSeconds: number): Promise<EmbeddedServices> => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const services = startNode('test/local/services-process.ts', {
    args: [String(port), String(visibilityTimeoutSeconds)],
    folder,
    environment: {},
  });
  await until('the services', () => services.out().includes('ready') || undefined);
  const ports = portsFrom(port);
  return { folder, ports, aws: awsClients(ports) };
};
