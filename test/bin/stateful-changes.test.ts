import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { cleanUp, startNode, temporaryFolder } from '../local/processes.ts';

// Each run starts a process that loads the SDK and CDK's comparison.
jest.setTimeout(120_000);

let folder: string;
/** Stands in for CloudFormation. */
let cloudFormation: Server;
/** The deployed templates by stack. */
let deployed: Readonly<Record<string, object>>;

const queue = { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: false } };
const bucket = { Type: 'AWS::S3::Bucket', DeletionPolicy: 'Retain', Properties: {} };

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

beforeAll(async () => {
  folder = await temporaryFolder();
  cloudFormation = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const stackName = form.get('StackName') ?? '';
    // A connection that this server closes after a pause would be used again, and there is one attempt only.
    response.setHeader('connection', 'close');
    const template = deployed[stackName];
    expect([form.get('Action'), form.get('TemplateStage')]).toEqual(['GetTemplate', 'Original']);
    if (stackName === 'Secret') {
      response
        .writeHead(403)
        .end(
          '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: cloudformation:GetTemplate</Message></Error></ErrorResponse>',
        );
    } else if (template === undefined) {
      response
        .writeHead(400)
        .end(
          `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id ${stackName} does not exist</Message></Error></ErrorResponse>`,
        );
    } else {
      response.end(
        `<GetTemplateResponse><GetTemplateResult><TemplateBody>${escaped(JSON.stringify(template))}</TemplateBody></GetTemplateResult></GetTemplateResponse>`,
      );
    }
  });
  await once(cloudFormation.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  cloudFormation.close();
  await cleanUp();
});

/** What `cdk synth` writes, as far as the command reads it. */
const writeAssembly = async (name: string, stacks: Readonly<Record<string, object>>): Promise<string> => {
  const assembly = join(folder, name);
  await mkdir(assembly);
  const artifacts = Object.fromEntries(
    Object.keys(stacks).map((stackName) => [
      `${stackName}Artifact`,
      {
        type: 'aws:cloudformation:stack',
        properties: { templateFile: `${stackName}.template.json`, stackName },
      },
    ]),
  );
  await writeFile(
    join(assembly, 'manifest.json'),
    JSON.stringify({ artifacts: { ...artifacts, Tree: { type: 'cdk:tree', properties: {} } } }),
  );
  for (const [stackName, template] of Object.entries(stacks)) {
    await writeFile(join(assembly, `${stackName}.template.json`), JSON.stringify(template));
  }
  return assembly;
};

const run = async (...args: readonly string[]) => {
  const address = cloudFormation.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const running = startNode('bin/stateful-changes.ts', {
    args,
    folder,
    environment: {
      AWS_REGION: 'us-east-2',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_MAX_ATTEMPTS: '1',
    },
  });
  return { code: await running.ended, out: running.out(), errors: running.errors() };
};

test('succeeds where nothing that holds data changes, and where nothing is deployed yet', async () => {
  deployed = { Trial: { Resources: { Work: queue } } };
  const assembly = await writeAssembly('harmless', {
    Trial: { Resources: { Work: queue, Images: bucket } },
    New: { Resources: { Work: queue } },
  });
  expect(await run('--assembly', assembly)).toEqual({
    code: 0,
    out: 'Trial: nothing that holds data is replaced or removed\nNew: not deployed yet\n',
    errors: '',
  });
});

test('fails for a queue that would be replaced and a bucket that would be left behind', async () => {
  deployed = { Trial: { Resources: { Work: queue, Images: bucket } } };
  const assembly = await writeAssembly('harmful', {
    Trial: { Resources: { Work: { ...queue, Properties: { FifoQueue: true } } } },
  });
  const out =
    'Trial: Images, AWS::S3::Bucket: left behind\nTrial: Work, AWS::SQS::Queue: replaced (FifoQueue)\n';
  const refused = await run('--assembly', assembly);
  expect(refused).toMatchObject({ code: 1, out });
  expect(refused.errors).toContain('A deployment would replace or remove what is listed');
  expect(await run('--assembly', assembly, '--acknowledged')).toEqual({ code: 0, out, errors: '' });
});

test.each<[string, readonly string[], string]>([
  [
    'without a synthesized app',
    [],
    'cdk.out/manifest.json cannot be read (no such file or directory). Run npx cdk synth first.',
  ],
  ['for an unknown flag', ['--acknowledge'], "Unknown option '--acknowledge'"],
])('explains what is wrong %s', async (_, args, message) => {
  const { code, out, errors } = await run(...args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(errors).toContain(message);
  expect(errors).not.toMatch(/^\s+at /m);
});

test('fails, acknowledged or not, where it may not read what is deployed', async () => {
  deployed = {};
  const assembly = await writeAssembly('secret', { Secret: { Resources: {} } });
  const { code, errors } = await run('--assembly', assembly, '--acknowledged');
  expect(code).toBe(1);
  expect(errors).toBe('\nThese credentials may not use cloudformation:GetTemplate.\n\n');
});
