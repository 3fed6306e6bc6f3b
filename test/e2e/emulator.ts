import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import * as z from 'zod';
import { endOf, programs, startCommand } from './command.ts';
import { pythonEnvironment } from './python-environment.ts';

export const region = 'us-east-2';
/** The owner of the emulator, who may do everything in it and nothing elsewhere. */
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' } as const;

/** The credentials of a request. The emulator does not verify the signatures of its owner. */
export const ownersAuthorization = (service: 'iam' | 'lambda' | 'logs' | 'firehose' | 'athena'): string =>
  `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`;

/** AWS on this machine: the emulator to which the app is deployed. It enforces the policies of IAM. */
export interface Emulator {
  readonly endpoint: string;
  /** Its self-signed certificate, which this process trusts. */
  readonly certificateFile: string;
  /** The URL of the emulator for this URL of an HTTP API. */
  urlOf(apiUrl: string): string;
  /** The lines that a stack's function has logged. */
  logLines(stackName: string, functionId: string): Promise<readonly string[]>;
  /** Invokes a function. @returns its result */
  invoke(functionName: string, event: object): Promise<unknown>;
  /** Calls a JSON service of AWS as the owner of the account. */
  ask<Schema extends z.ZodType>(
    service: 'firehose' | 'athena' | 'logs',
    target: string,
    body: object,
    answer: Schema,
  ): Promise<z.output<Schema>>;
  /** The mails to an address. */
  mailsTo(address: string): Promise<readonly Mail[]>;
  /** The end of its own log, to explain a failure. */
  endOfLog(): string;
  stop(): Promise<void>;
}

const mailSchema = z.object({
  Source: z.string(),
  To: z.array(z.string()),
  CC: z.array(z.string()),
  BCC: z.array(z.string()),
  Subject: z.string(),
  BodyText: z.string(),
  BodyHtml: z.string(),
});
export type Mail = z.output<typeof mailSchema>;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port');
  return address.port;
};

/** Installs the emulator, unless it is. @returns the folder of its programs */
export const installEmulator = (logFile: string): Promise<string> =>
  pythonEnvironment({
    folder: resolve('.tmp/e2e/venv'),
    requirementsFile: join(import.meta.dirname, 'requirements.txt'),
    module: 'ministack',
    logFile,
  });

/**
 * Installs and starts the emulator.
 *
 * @param folder an empty folder below the project for its functions: there they find the sharp of the
 * project, so that a package for arm64 runs on every machine
 */
export const startEmulator = async (folder: string): Promise<Emulator> => {
  const logFile = join(folder, 'emulator.log');
  const temporaryFolder = join(folder, 'functions');
  mkdirSync(temporaryFolder);
  // Keeps the project's "type": "module" from the CommonJS files of the emulator.
  writeFileSync(join(temporaryFolder, 'package.json'), '{"type":"commonjs"}\n');
  const pythonPrograms = await installEmulator(logFile);

  const port = await freePort();
  // TLS, because the buckets and queues require it.
  const endpoint = `https://127.0.0.1:${port}`;
  const certificateFile = join(temporaryFolder, 'ministack-tls/server.crt');
  const emulator = startCommand(join(pythonPrograms, 'python'), ['-m', 'ministack'], {
    logFile,
    // Functions inherit this environment, so it contains nothing of the developer's.
    environment: {
      PATH: [programs, process.env['PATH']].join(delimiter),
      HOME: folder,
      TMPDIR: temporaryFolder,
      NODE_PATH: resolve('node_modules'),
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      LAMBDA_EXECUTOR: 'local',
      USE_SSL: '1',
      // Enforces IAM: every function has the policies of its own role.
      AUTH: 'true',
      MINISTACK_REGION: region,
    },
  });
  const endOfLog = () => `End of the emulator's log:\n${endOf(logFile)}`;
  const trusted = getCACertificates();
  const isReady = async () => {
    try {
      // The emulator writes it first.
      setDefaultCACertificates([...trusted, readFileSync(certificateFile, 'utf8')]);
      return (await fetch(`${endpoint}/_ministack/health`)).ok;
    } catch {
      return false;
    }
  };
  for (let attempt = 0; !(await isReady()); attempt += 1) {
    if (emulator.ended() || attempt === 300) {
      await emulator.stop();
      throw new Error(`The emulator does not start. ${endOfLog()}`);
    }
    await setTimeout(100);
  }

  const ask: Emulator['ask'] = async (service, target, body, answer) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': target,
        Authorization: ownersAuthorization(service),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${target} replied ${response.status}: ${text}`);
    return answer.parse(JSON.parse(text));
  };

  return {
    endpoint,
    certificateFile,
    urlOf(apiUrl) {
      const { hostname, pathname } = new URL(apiUrl);
      return `${endpoint}/_aws/execute-api/${hostname.split('.')[0]}${pathname}`;
    },
    async logLines(stackName, functionId) {
      const groups = await ask(
        'logs',
        'Logs_20140328.DescribeLogGroups',
        {},
        z.object({ logGroups: z.array(z.object({ logGroupName: z.string() })) }),
      );
      const group = groups.logGroups.find(
        ({ logGroupName }) => logGroupName.includes(stackName) && logGroupName.includes(`${functionId}Logs`),
      );
      if (group === undefined) throw new Error(`${stackName} has no log group for ${functionId}`);
      const { events } = await ask(
        'logs',
        'Logs_20140328.FilterLogEvents',
        group,
        z.object({ events: z.array(z.object({ message: z.string() })) }),
      );
      return events.map(({ message }) => message);
    },
    async invoke(functionName, event) {
      const response = await fetch(`${endpoint}/2015-03-31/functions/${functionName}/invocations`, {
        method: 'POST',
        headers: { Authorization: ownersAuthorization('lambda') },
        body: JSON.stringify(event),
      });
      const answer = await response.text();
      if (!response.ok || response.headers.has('X-Amz-Function-Error')) {
        throw new Error(`${functionName} replied ${response.status}: ${answer}`);
      }
      return JSON.parse(answer);
    },
    ask,
    async mailsTo(address) {
      const response = await fetch(`${endpoint}/_ministack/ses/messages`);
      const { messages } = z
        .object({ messages: z.record(z.string(), z.array(mailSchema)) })
        .parse(await response.json());
      return Object.values(messages)
        .flat()
        .filter(({ To }) => To.includes(address));
    },
    endOfLog,
    stop: emulator.stop,
  };
};
