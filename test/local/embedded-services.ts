import { type Ports, portsFrom } from '../../local/ports.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, until } from './local-run.ts';
import { type Running, startNode, temporaryFolder } from './processes.ts';

export interface EmbeddedServices {
  readonly folder: string;
  readonly ports: Ports;
  readonly aws: AwsClients;
}

export interface StartPlace {
  readonly folder: string;
  readonly port: number;
  /** The first port of a proxy in front of the emulators. @default - no proxy */
  readonly proxyPort?: number;
}

/** Starts the emulators alone, in a process that ends with the tests. */
export const startServicesAt = async (
  { folder, port, proxyPort }: StartPlace,
  visibilityTimeoutSeconds: number,
): Promise<Running> => {
  const services = startNode('test/local/services-process.ts', {
    args: [port, visibilityTimeoutSeconds, proxyPort].flatMap((each) =>
      each === undefined ? [] : [String(each)],
    ),
    folder,
    environment: {},
  });
  await until('the services', () => services.out().includes('ready') || undefined);
  return services;
};

/**
 * @param visibilityTimeoutSeconds how long a received message of the resize queue stays hidden
 * @param proxyPort the first port of a proxy in front of the emulators. @default - no proxy
 */
export const startEmbeddedServices = async (
  visibilityTimeoutSeconds: number,
  proxyPort?: number,
): Promise<EmbeddedServices> => {
  const place = { folder: await temporaryFolder(), port: await freePort(), proxyPort };
  await startServicesAt(place, visibilityTimeoutSeconds);
  const ports = portsFrom(place.port);
  const { folder } = place;
  return { folder, ports, aws: awsClients({ folder, ports }) };
};
