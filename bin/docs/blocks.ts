import { alarmsTable } from './alarms.ts';
import { benchTable } from './bench.ts';
import { quotasTable, settingsCapacityTable } from './capacity.ts';
import { errorCodesTable, eventsTable } from './contract.ts';
import {
  breakEvenTable,
  endpointsOrNatTable,
  idleInContainersTable,
  idleTable,
  millionUploadsInContainersTable,
  millionUploadsTable,
  pricesTable,
  storageTable,
  worstDayInContainersTable,
  worstDaySentence,
  worstDayStorageSentence,
  worstDayTable,
} from './cost.ts';
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
  { name: 'prices', render: pricesTable },
  { name: 'million-uploads', render: millionUploadsTable },
  { name: 'million-uploads-containers', render: millionUploadsInContainersTable },
  { name: 'storage', render: storageTable },
  { name: 'idle', render: idleTable },
  { name: 'idle-containers', render: idleInContainersTable },
  { name: 'break-even', render: breakEvenTable },
  { name: 'endpoints-or-nat', render: endpointsOrNatTable },
  { name: 'worst-day', render: worstDayTable },
  { name: 'worst-day-containers', render: worstDayInContainersTable },
  { name: 'worst-day-sentence', render: worstDaySentence },
  { name: 'worst-day-storage', render: worstDayStorageSentence },
  { name: 'settings-capacity', render: settingsCapacityTable },
  { name: 'quotas', render: quotasTable },
];
