import * as z from 'zod';
import { checks } from '../../../bin/commands/preflight/checks.ts';
import { check } from '../deployment.ts';
import { region } from '../emulator.ts';

const reportSchema = z.strictObject({
  stackName: z.string(),
  account: z.string(),
  region: z.string(),
  arn: z.string(),
  checks: z.array(z.looseObject({ check: z.string(), result: z.string(), finding: z.string() })),
});

/** The command that reads an account before a deployment. */
export const checkPreflight = (): void => {
  check('reads all with the documented permissions, and finds what is deployed', async (deployment) => {
    const { cdk, iam, main } = deployment;
    const Action = checks.flatMap(({ actions }) => actions);
    const reader = await iam.createUser('preflight', [{ Effect: 'Allow', Action, Resource: '*' }]);
    // The data lake is not deployed.
    const settings = { ...main.settings, dataLake: 'true' };

    const report = reportSchema.parse(JSON.parse(await cdk.preflight(settings, reader)));

    expect(report).toMatchObject({ stackName: 'ThumbnailGenerator', account: '000000000000', region });
    expect(report.arn).toMatch(/:user\/preflight$/);
    const found = Object.fromEntries(report.checks.map(({ check: name, ...rest }) => [name, rest]));
    expect(found).toMatchObject({
      bootstrap: { result: 'ok', finding: expect.stringMatching(/has version \d+;/) },
      stack: { result: 'ok', finding: expect.stringMatching(/is in state (?:CREATE|UPDATE)_COMPLETE\.$/) },
      'data-lake-stack': {
        result: 'ok',
        finding: expect.stringContaining('no stack ThumbnailGeneratorDataLake'),
      },
      concurrency: { finding: expect.stringMatching(/up to \d+ functions at a time/) },
      'dashboard-name': { result: 'ok' },
      'access-log-name': { result: 'ok' },
      'work-group-name': { result: 'ok', finding: expect.stringContaining('is free') },
      'log-delivery': { result: 'ok' },
      // The stack has it, and the emulator verifies every address.
      'mail-sender': { result: 'ok' },
      'mail-sandbox': { result: 'ok' },
    });
  });

  check('ends with 2 for what it may not read', async ({ cdk, iam, main }) => {
    const nobody = await iam.createUser('preflight-nobody', []);
    await expect(cdk.preflight(main.settings, nobody)).rejects.toThrow(
      /ended with 2:[\s\S]*"deniedActions": \[\s*"ses:GetAccount/,
    );
  });
};
