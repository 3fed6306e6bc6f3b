import { randomBytes } from 'node:crypto';
import type { Auth } from '../../../lambdas/ingest/auth.ts';
import { describeAwsError } from '../aws-errors.ts';
import { type Caller, createApi } from './api.ts';
import type { AwsClients } from './aws.ts';
import type { Group } from './check.ts';
import { checks } from './checks.ts';
import { type DeployedStack, readDeployedStack } from './deployed-stack.ts';
import { NotAsExpected, type Outcome, skipped, unknown } from './outcome.ts';
import { createOwnImages } from './own-images.ts';
import type { Report } from './report.ts';
import { type Result, runChecks } from './runner.ts';
import { createUndoList } from './undo-list.ts';

export interface VerifyOptions {
  readonly stackName: string;
  /** Only the checks that take a few seconds. */
  readonly quick: boolean;
  /** Only the checks of these groups. @default - all groups */
  readonly only?: readonly Group[] | undefined;
  /** The names of checks to leave out. */
  readonly skip: readonly string[];
  /** The API's address, with the stage. @default - that of the stack's outputs */
  readonly url?: string | undefined;
  /** Proves the caller where `auth` is `jwt`. @default - checks that upload are skipped */
  readonly token?: string | undefined;
}

/** Where requests go: to API Gateway, or with containers to the load balancer, whatever DNS says. */
const targetOf = ({ outputs }: DeployedStack, url: string | undefined) => {
  const { UploadUrl, PublicUploadUrl, LoadBalancerDnsName } = outputs;
  if (url !== undefined) return { baseUrl: url.replace(/\/$/, '') };
  return LoadBalancerDnsName !== undefined && PublicUploadUrl !== undefined
    ? { baseUrl: PublicUploadUrl.replace(/\/upload_image$/, ''), connectTo: LoadBalancerDnsName }
    : { baseUrl: UploadUrl.replace(/\/upload_image$/, '') };
};

interface Upload {
  readonly caller: Caller;
  /** The outcome of checks that upload, if nobody can. */
  readonly noCaller?: Outcome;
}

const nobody = { kind: 'anonymous' } as const satisfies Caller;

/** Who uploads, by the setting `auth`. */
const callerOf = (auth: Auth, region: string, aws: AwsClients, token: string | undefined): Upload => {
  if (auth === 'none') return { caller: nobody };
  if (auth === 'iam') return { caller: { kind: 'iam', region, credentials: aws.s3.config.credentials } };
  if (token !== undefined) return { caller: { kind: 'token', token } };
  return { caller: nobody, noCaller: skipped('Needs a token of the issuer in VERIFY_TOKEN.') };
};

const uploadOf = async (
  stack: DeployedStack,
  aws: AwsClients,
  token: string | undefined,
): Promise<Upload> => {
  try {
    return callerOf((await stack.settings()).auth, stack.region, aws, token);
  } catch (error) {
    const { kind, sentence } = describeAwsError(error);
    // The check of the environments shows why they cannot be read.
    if (error instanceof NotAsExpected || kind === 'not-found') return { caller: nobody };
    if (kind !== 'access-denied') throw error;
    return { caller: nobody, noCaller: unknown(`The setting auth cannot be read. ${sentence}`) };
  }
};

/**
 * Checks a deployed stack, and removes what that has created.
 *
 * @param signal ends the run early when it is aborted
 * @param onResult called after each check
 * @throws UsageError when the stack cannot be verified at all, or an error of the AWS SDK
 */
export const verify = async (
  { stackName, quick, only, skip, url, token }: VerifyOptions,
  aws: AwsClients,
  signal: AbortSignal,
  onResult: (result: Result) => void,
): Promise<Report> => {
  const stack = await readDeployedStack(stackName, aws);
  const { caller, noCaller } = await uploadOf(stack, aws, token);
  const undoList = createUndoList();
  const results: Result[] = [];
  let stoppedBy: string | undefined;
  try {
    await runChecks(
      checks.filter((check) => (only ?? [check.group]).includes(check.group) && (check.quick || !quick)),
      {
        stack,
        aws,
        signal,
        api: createApi({ ...targetOf(stack, url), caller, signal }),
        images: createOwnImages(stack, aws, undoList),
        runId: randomBytes(6).toString('hex'),
        startedAt: new Date(),
        undoLater: undoList.add,
      },
      {
        noCaller,
        skip,
        onResult(result) {
          results.push(result);
          onResult(result);
        },
      },
    );
    if (signal.aborted) stoppedBy = 'Interrupted.';
  } catch (error) {
    stoppedBy = describeAwsError(error).sentence;
  }
  const left = await undoList.undoAll();
  return { stack: stack.name, region: stack.region, results, stoppedBy, left };
};
