import { describeAwsError } from '../aws-errors.ts';
import { NotAsExpected } from './outcome.ts';

/** What a run has created, and how to remove it. */
export interface UndoList {
  add(what: string, undo: () => Promise<void>): void;
  /** Undoes all steps, the last one first. @returns a sentence for each that could not be undone */
  undoAll(): Promise<readonly string[]>;
}

export const createUndoList = (): UndoList => {
  const steps: { readonly what: string; readonly undo: () => Promise<void> }[] = [];
  return {
    add(what, undo) {
      steps.push({ what, undo });
    },
    async undoAll() {
      const left: string[] = [];
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step.undo();
        } catch (error) {
          const { kind, sentence } = describeAwsError(error);
          if (error instanceof NotAsExpected) left.push(`Could not remove ${step.what}. ${error.message}`);
          else if (kind !== 'not-found') left.push(`Could not remove ${step.what}. ${sentence}`);
        }
      }
      return left;
    },
  };
};
