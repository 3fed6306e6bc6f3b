import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledge } from '../../lib/constructs/acknowledge.ts';
import { appWith, inContainers } from './stacks.ts';

let mockIsAcknowledging = true;
jest.mock('../../lib/constructs/acknowledge.ts', () => {
  const actual = jest.requireActual('../../lib/constructs/acknowledge.ts');
  return {
    ...actual,
    acknowledge: jest.fn((...args) => {
      if (mockIsAcknowledging) actual.acknowledge(...args);
    }),
  };
});

/** The findings of cdk-nag, and the acknowledged ones, each with its reason. */
const examine = (given: Readonly<Record<string, unknown>>) => {
  const { app, outdir, stack } = appWith(given);
  Validations.of(app).addPlugins(new AwsSolutionsChecks());
  try {
    app.synth();
  } catch (error) {
    // Findings stop the synthesis, but are in the report.
    expect(String(error)).toContain('validation-report.json');
  }
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  const found: string[] = pluginReports.flatMap(
    ({ violations }: { violations: readonly { ruleName: string }[] }) =>
      violations.map(({ ruleName }) => ruleName),
  );
  const acknowledged = stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries<string>(data))
    .map(([id, reason]) => ({ rule: id.replace('Annotation::', ''), reason }));
  return { found: [...new Set(found)].sort(), acknowledged };
};

describe.each([
  ['the default settings', {}],
  ['everything deleted with the stack', { imagesOnDestroy: 'delete' }],
  [
    'mail and alerts',
    {
      email: { from: 'images@example.com', allowedRecipients: ['example.com', 'me@example.org'] },
      alerts: { emails: ['ops@example.com'] },
    },
  ],
  ['containers', inContainers],
  [
    'containers, NAT gateways and everything deleted',
    { ...inContainers, imagesOnDestroy: 'delete', fargate: { natGateway: true } },
  ],
])('with %s', (_, given) => {
  test('every finding is acknowledged with a reason', () => {
    mockIsAcknowledging = true;
    const { found, acknowledged } = examine(given);
    expect(acknowledge).toHaveBeenCalled();
    expect(found).toEqual([]);
    for (const { reason } of acknowledged) expect(reason.split(' ').length).toBeGreaterThan(10);
  });

  test('everything that is acknowledged is a finding', () => {
    mockIsAcknowledging = true;
    const { acknowledged } = examine(given);
    mockIsAcknowledging = false;
    const { found, acknowledged: byCdk } = examine(given);
    const known = byCdk.map(({ rule }) => rule);
    // One rule may be broken in two places, each with its reason.
    const rules = acknowledged.map(({ rule }) => rule).filter((rule) => !known.includes(rule));
    expect(found).toEqual([...new Set(rules)].sort());
  });
});
