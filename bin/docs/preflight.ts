import { checks } from '../commands/preflight/checks.ts';
import { code, table } from './table.ts';

/** Every check of `npm run preflight`. */
export const preflightTable = (): string =>
  table(
    ['Check', 'Settings', 'Finds', 'Reads with'],
    checks.map(({ name, condition, description, actions }) => [
      code(name),
      condition ?? 'all',
      description,
      actions.map(code).join(', '),
    ]),
  );
