import { RemovalPolicy } from 'aws-cdk-lib';
import {
  CfnTable,
  Database,
  DataFormat,
  type Column as GlueColumn,
  PartitionProjectionConfiguration,
  S3Table,
  S3TableStorage,
  Schema,
} from 'aws-cdk-lib/aws-glue';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import {
  type Column,
  columns,
  eventTypes,
  keptDays,
  lakePrefixes,
  type Partition,
  partitionColumns,
  partitionPrefix,
  tableName,
} from '../../lambdas/lake/table.ts';
import { requireType } from '../constructs/require-type.ts';

export interface EventsTableProps {
  readonly bucket: IBucket;
}

/** The schema of the events, for Athena and Firehose. Partitions are projected, without a crawler. */
export class EventsTable extends Construct {
  readonly database: Database;
  readonly table: S3Table;
  readonly cfnTable: CfnTable;

  constructor(scope: Construct, id: string, { bucket }: EventsTableProps) {
    super(scope, id);
    // The data are in the bucket: the next deployment recreates the schema.
    const removalPolicy = RemovalPolicy.DESTROY;
    this.database = new Database(this, 'Database', { description: 'What happened to images', removalPolicy });
    this.table = new S3Table(this, 'Table', {
      database: this.database,
      tableName,
      description: 'One row for each event, and for each copy of one: count an event_id once',
      dataFormat: DataFormat.PARQUET,
      storage: S3TableStorage.fromBucket(bucket),
      s3Prefix: lakePrefixes.events,
      columns: columns.map(glueColumn),
      partitionKeys: partitionColumns.map(({ name, comment }) => ({ name, comment, type: Schema.STRING })),
      partitionProjection: {
        type: PartitionProjectionConfiguration.enum({ values: [...eventTypes] }),
        dt: PartitionProjectionConfiguration.date({
          min: `NOW-${keptDays}DAYS`,
          max: 'NOW',
          format: 'yyyy-MM-dd',
        }),
      } satisfies Record<(typeof partitionColumns)[number]['name'], PartitionProjectionConfiguration>,
      parameters: {
        'storage.location.template': bucket.s3UrlForObject(
          partitionPrefix({ type: projected('type'), dt: projected('dt') }),
        ),
      },
    });
    this.cfnTable = requireType(this.table.node.defaultChild, CfnTable);
    this.cfnTable.applyRemovalPolicy(removalPolicy);
  }
}

/** A placeholder that Athena replaces by a value of a partition. */
const projected = (name: keyof Partition): string => `\${${name}}`;

const glueColumn = ({ name, type, comment }: Column): GlueColumn => ({ name, comment, type: glueType(type) });

const glueType = (type: Column['type']): GlueColumn['type'] =>
  typeof type === 'string'
    ? Schema.custom(type)
    : Schema.array(Schema.struct(type.map((column) => ({ name: column.name, type: glueType(column.type) }))));
