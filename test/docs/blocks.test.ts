import { withCurrentBlocks } from '../../bin/docs/blocks.ts';

test('replaces a stale block, and nothing around it', () => {
  const stale = 'Before.\n\n<!-- generated: storage -->\nold\n<!-- end -->\n\nAfter.\n';
  const current = withCurrentBlocks(stale);
  expect(current).toMatch(
    /^Before\.\n\n<!-- generated: storage -->\n\n\| .* \|\n\n<!-- end -->\n\nAfter\.\n$/s,
  );
  expect(current).not.toContain('old');
  expect(withCurrentBlocks(current)).toBe(current);
});

test('replaces a block within a sentence', () => {
  const sentence = 'At most <!-- generated: worst-day-total -->$1<!-- end --> a day.';
  expect(withCurrentBlocks(sentence)).toMatch(/^At most <!--[^>]+-->\$\d{3}<!-- end --> a day\.$/);
});

test('fails for an unknown block, with the names of all', () => {
  expect(() => withCurrentBlocks('<!-- generated: storge -->\n<!-- end -->')).toThrow(/storge.*storage/);
});
