import { alarmsTable } from './alarms.ts';
import { benchTable } from './bench.ts';
import { errorCodesTable, eventsTable } from './contract.ts';
import { settingsTable } from './settings.ts';

/** A part of a document that `npm run docs` writes. */
export interface Block {
  readonly name: string;
  /** @returns Markdown */
  readonly render: () => string;
}

export const blocks: readonly Block[] = [
  { name: 'settings', render: settingsTable },
  { name: 'error-codes', render: errorCodesTable },
  { name: 'events', render: eventsTable },
  { name: 'alarms', render: alarmsTable },
  { name: 'bench', render: benchTable },
];
