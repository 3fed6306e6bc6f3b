import { fails, type Outcome, ok } from '../outcome.ts';

/** What the stacks of this app require: `requiresBootstrapStackVersion` in the manifest of cdk.out. */
export const requiredBootstrapVersion = 6;

export interface BootstrapFacts {
  /** Undefined if this account was never bootstrapped in this region. */
  readonly version: number | undefined;
  readonly account: string;
  readonly region: string;
}

/** Whether `cdk bootstrap` has prepared the account, recently enough. */
export const judgeBootstrap = ({ version, account, region }: BootstrapFacts): Outcome => {
  const advice = `Run npx cdk bootstrap aws://${account}/${region}`;
  if (version === undefined)
    return fails('CDK has no place for its files in this account and region.', advice);
  if (version < requiredBootstrapVersion) {
    return fails(
      `The bootstrap stack has version ${version}; this app needs ${requiredBootstrapVersion}.`,
      advice,
    );
  }
  return ok(`The bootstrap stack has version ${version}; this app needs ${requiredBootstrapVersion}.`);
};
