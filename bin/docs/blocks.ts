import { alarmsTable } from './alarms.ts';
import { bodiesReference, routesReference } from './api-reference.ts';
import { benchTable } from './bench.ts';
import { quotasTable, settingsCapacityTable } from './capacity.ts';
import { checksTable } from './checks.ts';
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
  worstDayStorageSentence,
  worstDayTable,
  worstDayTotal,
} from './cost.ts';
import { preflightTable } from './preflight.ts';
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
  { name: 'routes', render: routesReference },
  { name: 'bodies', render: bodiesReference },
  { name: 'events', render: eventsTable },
  { name: 'alarms', render: alarmsTable },
  { name: 'checks', render: checksTable },
  { name: 'bench', render: benchTable },
  { name: 'preflight', render: preflightTable },
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
  { name: 'worst-day-total', render: worstDayTotal },
  { name: 'worst-day-storage', render: worstDayStorageSentence },
  { name: 'settings-capacity', render: settingsCapacityTable },
  { name: 'quotas', render: quotasTable },
];

const blockNamed = (name: string): Block => {
  const block = blocks.find((each) => each.name === name);
  if (block !== undefined) return block;
  const names = blocks.map((each) => each.name).join(', ');
  throw new Error(`There is no generated block named ${name}. The blocks are ${names}.`);
};

/**
 * Replaces each block of a document with its current content. A block is the text between
 * `<!-- generated: name -->` and `<!-- end -->`, on separate lines or within a sentence.
 */
export const withCurrentBlocks = (text: string): string =>
  text.replaceAll(
    /<!-- generated: (\S+) -->(\n?)[\s\S]*?<!-- end -->/g,
    (_block, name: string, newline: string) => {
      const margin = newline === '' ? '' : '\n\n';
      return `<!-- generated: ${name} -->${margin}${blockNamed(name).render()}${margin}<!-- end -->`;
    },
  );
