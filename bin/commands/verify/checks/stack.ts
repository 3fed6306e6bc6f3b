import type { Check } from '../check.ts';
import { counted, judge } from '../outcome.ts';

/** What CloudFormation says of the stack. */
export const stackChecks: readonly Check[] = [
  {
    name: 'stack-complete',
    group: 'stack',
    quick: true,
    description: 'The last change of the stack succeeded, and so did that of each resource.',
    async run({ stack }) {
      const isDone = (status: string): boolean => /^(?:CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status);
      const faults = [
        ...(isDone(stack.status) ? [] : [`The stack is ${stack.status}: the last change was undone.`]),
        ...stack.resources
          .filter(({ status }) => !isDone(status))
          .map(({ logicalId, status }) => `${logicalId} is ${status}.`),
      ];
      return judge(faults, `${stack.status}, ${counted(stack.resources.length, 'resource')}.`);
    },
  },
];
