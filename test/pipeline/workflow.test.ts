import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const stepSchema = z.object({
  name: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const jobSchema = z.object({
  if: z.string().optional(),
  needs: z.string().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  concurrency: z.object({ 'cancel-in-progress': z.boolean() }).optional(),
  'timeout-minutes': z.number(),
  steps: z.array(stepSchema),
});
const workflowSchema = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), jobSchema),
});
type Job = z.output<typeof jobSchema>;

const readWorkflow = (file: string) => workflowSchema.parse(parse(readFileSync(file, 'utf8')));

const workflows = globSync('.github/workflows/*.yml').sort();
const { jobs } = readWorkflow('.github/workflows/deploy.yml');

const job = (name: string): Job => {
  const found = jobs[name];
  if (found === undefined) throw new Error(`The workflow has no job ${name}.`);
  return found;
};

/** Where the steps are whose command or action contains these words, which each occur once. */
const positionsOf = ({ steps }: Job, words: readonly string[]): readonly number[] =>
  words.map((word) => {
    const found = steps.flatMap((step, index) => (`${step.run} ${step.uses}`.includes(word) ? [index] : []));
    expect({ word, found }).toEqual({ word, found: [expect.any(Number)] });
    return found[0] ?? -1;
  });

const expectOrder = (given: Job, words: readonly string[]): void => {
  const positions = positionsOf(given, words);
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
};

describe('The pipeline', () => {
  test('deploys only after the tests, the preflight and the gate, and then uses what it deployed', () => {
    expectOrder(job('test'), ['npm ci', 'npm run check', 'npm test']);
    expect(job('deploy').needs).toBe('test');
    expectOrder(job('deploy'), [
      'npm ci',
      'cdk synth',
      'configure-aws-credentials',
      'npm run preflight',
      'stateful-changes --',
      'cdk deploy',
      'npm run --silent verify',
    ]);
  });

  test('deploys what the gate has seen', () => {
    const { steps } = job('deploy');
    const deploy = steps.find(({ run }) => run?.includes('cdk deploy'));
    expect(deploy?.run).toContain('--app cdk.out ');
    expect(steps.filter(({ run }) => run?.includes('cdk synth'))).toHaveLength(1);
  });

  test('never stops a deployment half-way for another one', () => {
    expect(job('deploy').concurrency).toEqual({ 'cancel-in-progress': false });
  });

  test('shows the differences in the pull request, also where the gate fails', () => {
    expectOrder(job('diff'), [
      'cdk synth',
      'configure-aws-credentials',
      'cdk diff',
      'stateful-changes --',
      'gh pr comment',
    ]);
    const comment = job('diff').steps.find(({ run }) => run?.includes('gh pr comment'));
    expect(comment?.run).toMatch(/cat stateful\.txt[\s\S]*diff\.txt/);
  });

  test('gives credentials neither to forks nor to a repository that has not been set up', () => {
    expect(job('diff').if).toContain('github.event.pull_request.head.repo.full_name == github.repository');
    expect(job('diff').if).toContain("vars.AWS_DIFF_ROLE != ''");
    expect(job('test').if).toBe("github.event_name == 'push' && vars.AWS_DEPLOY_ROLE != ''");
  });

  test('gives the job that runs the tests no token', () => {
    expect(job('test').permissions).toBeUndefined();
    expect(job('deploy').permissions).toEqual({
      contents: 'read',
      'id-token': 'write',
      'pull-requests': 'read',
    });
    expect(job('deploy').environment).toBe('production');
  });

  test('uses each role in its own job', () => {
    const rolesOf = ({ steps }: Job) => steps.flatMap((step) => step.with?.['role-to-assume'] ?? []);
    expect(rolesOf(job('diff'))).toEqual([expect.stringContaining('vars.AWS_DIFF_ROLE')]);
    expect(rolesOf(job('test'))).toEqual([]);
    expect(rolesOf(job('deploy'))).toEqual([expect.stringContaining('vars.AWS_DEPLOY_ROLE')]);
  });
});

describe.each(workflows)('%s', (file) => {
  const workflow = readWorkflow(file);

  test('may only read unless a job says otherwise, and ends by itself', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const each of Object.values(workflow.jobs)) expect(each['timeout-minutes']).toBeLessThanOrEqual(90);
  });

  test('pins each action to a commit, and leaves no token in the folder', () => {
    for (const { uses, with: inputs } of Object.values(workflow.jobs).flatMap(({ steps }) => steps)) {
      if (uses === undefined) continue;
      expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      if (uses.startsWith('actions/checkout@'))
        expect(inputs).toMatchObject({ 'persist-credentials': false });
    }
  });

  test('puts no text from outside into a command', () => {
    for (const { run = '' } of Object.values(workflow.jobs).flatMap(({ steps }) => steps)) {
      expect(run).not.toContain('${{');
    }
  });
});
