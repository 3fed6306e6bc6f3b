import { rmSync } from 'node:fs';
import { type Account, createAccount } from './account.ts';
import { type Api, createApi } from './api.ts';
import { type Cdk, createCdk, type Outputs, type Settings } from './cdk.ts';
import { credentials, type Emulator, region, startEmulator } from './emulator.ts';
import { createIam, type Iam } from './iam.ts';
import { largePhoto } from './photo.ts';
import { createRunFolder } from './run-folder.ts';

/** One deployed copy of the app. */
export interface DeployedStack {
  readonly settings: Settings;
  readonly outputs: Outputs;
  readonly api: Api;
  /** The lines of a function's log that contain a text, after the resize queue is empty. */
  logLines(functionId: FunctionId, text: string): Promise<readonly string[]>;
}

export const functionIds = [
  'IngestFunction',
  'ResizeFunction',
  'ReconcilerFunction',
  'NotifyFunction',
  'DeletionFunction',
] as const;
export type FunctionId = (typeof functionIds)[number];

/** The first variants of the main stack. */
export const mainVariants = [
  { name: 'thumbnail' },
  { name: 'square', width: 96, height: 96, fit: 'cover', format: 'jpeg' },
] as const;

/** Everything that the checks use. */
export interface Deployment {
  /** The folder for files of the checks. */
  readonly folder: string;
  readonly emulator: Emulator;
  readonly cdk: Cdk;
  readonly account: Account;
  readonly iam: Iam;
  /** Has `mainVariants` and mail, and deletes its images when it is destroyed. */
  readonly main: DeployedStack;
  /** Has the defaults, except for URLs that expire after a minute. */
  readonly second: DeployedStack;
  /** A photo of 12 megapixels. */
  readonly photo: Buffer;
}

const mainSettings: Settings = {
  imagesOnDestroy: 'delete',
  variants: JSON.stringify(mainVariants),
  alerts: JSON.stringify({ emails: ['operator@example.com'] }),
  email: JSON.stringify({
    from: 'thumbnails@example.com',
    allowedRecipients: ['example.com', 'simulator.amazonses.com'],
  }),
};
const secondSettings: Settings = { stackName: 'Second', urlLifetimeSeconds: '60' };

const folder = createRunFolder('e2e');
let emulator: Emulator | undefined;
let deployment: Deployment | undefined;

/** Adds the end of the emulator's log to a failure. */
const explained = async (step: () => Promise<void>): Promise<void> => {
  try {
    await step();
  } catch (error) {
    console.error(emulator?.endOfLog());
    throw error;
  }
};

/** A test of the deployment. */
export const check = (behaviour: string, step: (deployment: Deployment) => Promise<void>): void =>
  test(behaviour, () =>
    explained(async () => {
      if (deployment === undefined) throw new Error('There is no deployment.');
      await step(deployment);
    }),
  );

/** Starts the emulator and deploys both copies to it. */
export const deploy = (): Promise<void> =>
  explained(async () => {
    const running = await startEmulator(folder);
    emulator = running;
    const account = createAccount(running.endpoint);
    const cdk = createCdk(folder, {
      AWS_ENDPOINT_URL: running.endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_CA_BUNDLE: running.certificateFile,
    });
    const deployStack = async (stackName: string, settings: Settings): Promise<DeployedStack> => {
      const outputs = await cdk.deploy(settings);
      return {
        settings,
        outputs,
        api: createApi(running.urlOf(outputs.UploadUrl)),
        async logLines(functionId, text) {
          await account.drained(outputs.ResizeQueueUrl);
          return (await running.logLines(stackName, functionId)).filter((line) => line.includes(text));
        },
      };
    };
    await cdk.bootstrap();
    const [main, second, photo] = await Promise.all([
      deployStack('ThumbnailGenerator', mainSettings),
      deployStack('Second', secondSettings),
      largePhoto(),
    ]);
    const iam = createIam(running.endpoint);
    deployment = { folder, emulator: running, cdk, account, iam, main, second, photo };
  });

/** Stops the emulator, and removes its files. */
export const remove = async (): Promise<void> => {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
};
