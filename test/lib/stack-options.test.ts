import { appWith } from './stacks.ts';

test.each([
  ['keep', true],
  ['delete', false],
])('with imagesOnDestroy %s the protection of the stack is %s', (imagesOnDestroy, isProtected) => {
  const { app, stack } = appWith({ imagesOnDestroy });
  expect(app.synth().getStackArtifact(stack.artifactId).terminationProtection ?? false).toBe(isProtected);
});
