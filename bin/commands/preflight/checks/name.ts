import { fails, type Outcome, ok } from '../outcome.ts';

export interface NameFacts {
  /** Such as "dashboard". */
  readonly kind: string;
  readonly name: string;
  readonly exists: boolean;
  /** Whether it belongs to the stack that is about to be deployed. */
  readonly isOwn: boolean;
  /** What to do if something else has the name. */
  readonly advice: string;
}

/** Whether a name that CloudFormation does not choose is free. */
export const judgeName = ({ kind, name, exists, isOwn, advice }: NameFacts): Outcome => {
  if (!exists) return ok(`The name ${name} is free.`);
  if (isOwn) return ok(`The ${kind} ${name} belongs to the stack.`);
  return fails(`There is a ${kind} ${name} that does not belong to the stack.`, advice);
};
