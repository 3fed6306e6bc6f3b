import { createUndoList } from '../../../../bin/commands/verify/undo-list.ts';

const failingWith = (name: string) => async () => {
  throw Object.assign(new Error('User is not authorized to perform: sqs:DeleteQueue'), { name });
};

test('undoes the last step first', async () => {
  const undone: string[] = [];
  const list = createUndoList();
  for (const what of ['first', 'second']) {
    list.add(what, async () => {
      undone.push(what);
    });
  }
  expect(await list.undoAll()).toEqual([]);
  expect(undone).toEqual(['second', 'first']);
});

test('goes on after a step that fails, and says what is left', async () => {
  const undone: string[] = [];
  const list = createUndoList();
  list.add('the first', async () => {
    undone.push('first');
  });
  list.add('the queue', failingWith('AccessDenied'));
  expect(await list.undoAll()).toEqual([
    'Could not remove the queue. These credentials may not use sqs:DeleteQueue.',
  ]);
  expect(undone).toEqual(['first']);
});

test('accepts that something was never created', async () => {
  const list = createUndoList();
  list.add('the queue', failingWith('QueueDoesNotExist'));
  expect(await list.undoAll()).toEqual([]);
});
