import { checks } from '../commands/verify/checks.ts';
import { table } from './table.ts';

/** Every check of `npm run verify`, in the order in which they run. */
export const checksTable = (): string =>
  table(
    ['Check', 'Group', 'What must be true', '`--quick`'],
    checks.map(({ name, group, description, quick }) => [
      `\`${name}\``,
      group,
      description,
      quick ? 'yes' : 'no',
    ]),
  );
