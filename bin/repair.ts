import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DescribeTableCommand, type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { createCatalog } from '../lambdas/aws/catalog.ts';
import { catalogTable } from '../lambdas/aws/catalog-table.ts';
import { createEvents } from '../lambdas/aws/events.ts';
import { createOriginals } from '../lambdas/aws/originals.ts';
import { createResizeRequests } from '../lambdas/aws/resize-requests.ts';
import { createThumbnails } from '../lambdas/aws/thumbnails.ts';
import { isImageId } from '../lambdas/image/id.ts';
import { createRepair } from '../lambdas/ingest/repair.ts';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { createProgress } from './commands/progress.ts';
import { localPlace, type Place, placeOfStack } from './commands/repair/place.ts';
import { type ImagesPage, repairImages } from './commands/repair/repair-images.ts';

const usage = `Usage: npm run repair -- [--stack NAME] [--dry-run] [--rate N] [--from FILE]

  --stack NAME  repairs the images of this stack, with the region and credentials of the AWS CLI;
                without it, those of npm start (on PORT if set)
  --rate N      looks at N images in a second at most: 20, if not given
  --from FILE   continues where the file says, if it exists, and writes there how far it is
  --dry-run     counts what would be repaired, and changes nothing

It looks for the thumbnails of every image. Missing ones are made again from the original. An image without an
original fails, until it is uploaded again. It exits with 0 if it reached the end.`;

/** Images that are read at a time. */
const pageSize = 50;

const rateOf = (text: string): number => {
  const rate = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (rate < 1) throw new UsageError(`--rate must be a whole number from 1 to 99999 (given ${text}).`);
  return rate;
};

const placeOf = async (stackName: string | undefined): Promise<Place> => {
  if (stackName !== undefined) return placeOfStack(stackName);
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localPlace(ports);
};

/** The last id of the page before. @throws UsageError for a file of another kind */
const readFrom = (file: string | undefined): string | undefined => {
  if (file === undefined || !existsSync(file)) return undefined;
  const id = readFileSync(file, 'utf8').trim();
  if (!isImageId(id)) throw new UsageError(`${file} was not written by this command.`);
  return id;
};

/** At the end the next run begins with the first image. */
const noteProgress = (file: string, next: string | undefined): void => {
  if (next === undefined) rmSync(file, { force: true });
  else writeFileSync(file, `${next}\n`);
};

const logLine = (message: string, details?: object): void =>
  console.log(`${message}: ${JSON.stringify(details)}`);

const { partitionKey } = catalogTable;

const pagesOf =
  (dynamodb: DynamoDBClient, TableName: string) =>
  async (from: string | undefined): Promise<ImagesPage> => {
    const { Items = [], LastEvaluatedKey } = await dynamodb.send(
      new ScanCommand({
        TableName,
        Limit: pageSize,
        ProjectionExpression: '#id',
        ExpressionAttributeNames: { '#id': partitionKey },
        ExclusiveStartKey: from === undefined ? undefined : { [partitionKey]: { S: from } },
      }),
    );
    return {
      ids: Items.flatMap((item) => item[partitionKey]?.S ?? []),
      next: LastEvaluatedKey?.[partitionKey]?.S,
    };
  };

await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: {
      stack: { type: 'string' },
      rate: { type: 'string', default: '20' },
      from: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const rate = rateOf(values.rate);
  const from = readFrom(values.from);
  const stopping = new AbortController();
  // Handlers stay installed, because npm forwards a Ctrl-C that the terminal already sent here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

  const place = await placeOf(values.stack);
  const { dynamodb } = place;
  const catalog = createCatalog(place.catalogTable, dynamodb);
  const events = createEvents(place.imageEventsTopicArn, place.sns);
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: place.catalogTable }));
  // DynamoDB counts every six hours.
  const total = Math.max(1, Table?.ItemCount ?? 0);
  const progress = createProgress({
    name: 'repair',
    total,
    describe: (done) => `${done} of about ${total}`,
  });
  let isAtEnd = false;
  try {
    const counts = await repairImages({
      catalog,
      repair: createRepair({
        catalog,
        originals: createOriginals(place.s3, place.rawBucket),
        thumbnails: createThumbnails(place.s3, place.thumbnailBucket),
        resizeRequests: createResizeRequests(place.resizeQueueUrl, place.sqs),
        publish: events.publish,
        log: { info: logLine, warn: logLine, error: logLine },
      }),
      pageFrom: pagesOf(dynamodb, place.catalogTable),
      isDryRun: values['dry-run'],
      rate,
      from,
      stopping: stopping.signal,
      onPage: ({ images }, next) => {
        progress.show(images);
        isAtEnd = next === undefined;
        if (values.from !== undefined) noteProgress(values.from, next);
      },
    });
    const verb = values['dry-run'] ? 'would be ' : '';
    console.log(`images: ${counts.images}`);
    console.log(`${verb}repaired: ${counts.repaired}`);
    console.log(`${verb}lost: ${counts.lost}`);
  } finally {
    progress.end();
  }
  return isAtEnd ? 0 : 1;
});
