import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { readArguments, runCommand } from './commands/command.ts';
import { describeChange, statefulChanges } from './commands/stateful-changes/stateful-changes.ts';
import { deployedTemplate, synthesizedStacks } from './commands/stateful-changes/templates.ts';

const usage = `Usage: npm run stateful-changes -- [--assembly FOLDER] [--acknowledged]

Compares what "npx cdk synth" has written with what is deployed, and fails if a deployment would replace or
remove a bucket, a table, a queue, a topic, or an address that callers know. It changes nothing.

  --assembly FOLDER  what cdk synth has written; default: cdk.out
  --acknowledged     lists the changes, but succeeds

The region and the credentials are those of the AWS CLI. They need cloudformation:GetTemplate.`;

await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: {
      assembly: { type: 'string', default: 'cdk.out' },
      acknowledged: { type: 'boolean', default: false },
    },
  });
  const cloudFormation = new CloudFormationClient();
  let count = 0;
  for (const { stackName, template } of synthesizedStacks(values.assembly)) {
    const deployed = await deployedTemplate(cloudFormation, stackName);
    if (deployed === undefined) {
      console.log(`${stackName}: not deployed yet`);
      continue;
    }
    const changes = statefulChanges(deployed, template);
    for (const change of changes) console.log(describeChange(stackName, change));
    if (changes.length === 0) console.log(`${stackName}: nothing that holds data is replaced or removed`);
    count += changes.length;
  }
  if (count === 0 || values.acknowledged) return 0;
  console.error(
    '\nA deployment would replace or remove what is listed, with its data or its address. See docs/deploying.md.\n',
  );
  return 1;
});
