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

export interface EventsTableProps {
  readonly bucket: IBucket;
}

/** What Athena, and Firehose when it writes, know of the events. Partitions follow from their names: nothing crawls. */
export class EventsTable extends Construct {
  readonly database: Database;
  readonly table: S3Table;
  readonly cfnTable: CfnTable;

  constructor(scope: Construct, id: string, { bucket }: EventsTableProps) {
    super(scope, id);
    // The data are the bucket's: what is here is made anew by the next deployment.
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
    const cfnTable = this.table.node.defaultChild;
    if (!(cfnTable instanceof CfnTable))
      throw new Error(`${this.table.node.path} is no table of CloudFormation`);
    cfnTable.applyRemovalPolicy(removalPolicy);
    this.cfnTable = cfnTable;
  }
}

/** What Athena replaces by a value of a partition. */
const projected = (name: keyof Partition): string => `\${${name}}`;

const glueColumn = ({ name, type, comment }: Column): GlueColumn => ({ name, comment, type: glueType(type) });

const glueType = (type: Column['type']): GlueColumn['type'] =>
  typeof type === 'string'
    ? Schema.custom(type)
    : Schema.array(Schema.struct(type.map((column) => ({ name: column.name, type: glueType(column.type) }))));
