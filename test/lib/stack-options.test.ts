import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { appWith, inContainers, resourcesOf, templateWith } from './stacks.ts';

describe('tags', () => {
  const tagsOf = (given: Readonly<Record<string, unknown>>) => {
    const { app, settings, stack } = appWith(given);
    const { imageEvents, alerts } = stack;
    const lake = new DataLakeStack(app, 'Lake', { settings, imageEvents, alerts });
    const assembly = app.synth();
    return [stack, lake].map(({ artifactId }) => assembly.getStackArtifact(artifactId).tags);
  };

  test('are the name of the service on both stacks by default', () => {
    const tags = { Service: 'ThumbnailGenerator' };
    expect(tagsOf({})).toEqual([tags, tags]);
  });

  test('are those of the settings besides', () => {
    const tags = { Service: 'Photos', Team: 'media', 'Cost Center': '4711' };
    expect(tagsOf({ stackName: 'Photos', tags: { Team: 'media', 'Cost Center': '4711' } })).toEqual([
      tags,
      tags,
    ]);
  });

  test('reach the tasks of containers, which are what costs', () => {
    const services = resourcesOf(templateWith(inContainers), 'AWS::ECS::Service');
    expect(services.map(({ PropagateTags }) => PropagateTags)).toEqual(['SERVICE', 'SERVICE']);
  });
});

test.each([
  ['keep', true],
  ['delete', false],
])('with imagesOnDestroy %s the protection of the stack is %s', (imagesOnDestroy, isProtected) => {
  const { app, stack } = appWith({ imagesOnDestroy });
  expect(app.synth().getStackArtifact(stack.artifactId).terminationProtection ?? false).toBe(isProtected);
});
