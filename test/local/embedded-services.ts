import { type Ports, portsFrom } from '../../local/ports.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, until } from './local-run.ts';
import { type Running, startNode, temporaryFolder } from './processes.ts';

export interface EmbeddedServices {
  readonly folder: string;
  readonly ports: Ports;
  readonly aws: AwsClients;
}

export interface Place {
  readonly folder: string;
  readonly port: number;
}

/** The AWS services alone, with what they kept there, in a process of their own that ends with the tests. */
export const startServicesAt = async (
  { folder, port }: Place,
  visibilityTimeoutSeconds: number,
): Promise<Running> => {
  const services = startNode('test/local/services-process.ts', {
    args: [String(port), String(visibilityTimeoutSeconds)],
    folder,
    environment: {},
  });
  await until('the services', () => services.out().includes('ready') || undefined);
  return services;
};

/** @param visibilityTimeoutSeconds how long a message for resize that was handed out stays hidden */
export const startEmbeddedServices = async (visibilityTimeoutSeconds: number): Promise<EmbeddedServices> => {
  const place = { folder: await temporaryFolder(), port: await freePort() };
  await startServicesAt(place, visibilityTimeoutSeconds);
  const ports = portsFrom(place.port);
  return { folder: place.folder, ports, aws: awsClients(ports) };
};
