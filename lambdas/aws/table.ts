import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

/** An item, or some of its attributes, in plain JavaScript values. A `Set` is a set of DynamoDB. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * A condition, or all of a query's conditions. In its expression `#name` stands for the attribute of that
 * name, so that no attribute can be a reserved word, and `:name` for one of `values`.
 */
export interface Condition {
  readonly expression: string;
  /** @default - none */
  readonly values?: Attributes;
}

/** A conditional write to one item. Its condition may also name the values of `set`, `setOnce` and `add`. */
export interface Change {
  /** An attribute whose value is undefined is removed. @default - none */
  readonly set?: Attributes;
  /** Set only where the item has no such attribute. @default - none */
  readonly setOnce?: Attributes;
  /** Numbers to add to attributes, or sets to unite with them. @default - none */
  readonly add?: Attributes;
  /** @default - none */
  readonly remove?: readonly string[];
  /** @default - none: the write is always done */
  readonly condition?: Condition;
}

export interface Write {
  /** Whether the condition held. */
  readonly isDone: boolean;
  /** The item as it is now, changed or not. */
  readonly item: Attributes;
}

export interface Query {
  /** @default - the table itself, read consistently */
  readonly index?: string;
  readonly condition: Condition;
  readonly limit: number;
  /** @default 'ascending' */
  readonly order?: 'ascending' | 'descending';
  /** @default - at the first item */
  readonly from?: PageStart | undefined;
}

/** Where a page of a query begins. */
export type PageStart = NonNullable<QueryCommandInput['ExclusiveStartKey']>;

export interface Page {
  readonly items: readonly Attributes[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: PageStart | undefined;
}

/** One DynamoDB table. */
export interface Table {
  /** Reads consistently: sees every write that has ended. */
  get(key: Attributes): Promise<Attributes | undefined>;
  /** Replaces an item as a whole. @returns whether the condition held */
  put(item: Attributes, condition: Condition): Promise<boolean>;
  update(key: Attributes, change: Change): Promise<Write>;
  /**
   * @param condition @default - none
   * @returns whether the condition held
   */
  remove(key: Attributes, condition?: Condition): Promise<boolean>;
  query(query: Query): Promise<Page>;
}

const marshalled = (attributes: Attributes) => marshall(attributes, { removeUndefinedValues: true });

/** The placeholders of some attributes: `{ status: 'ready' }` -> `{ ':status': 'ready' }`. */
const placeholders = (values: Attributes): Attributes =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value]));

/** DynamoDB refuses an empty map. */
const valuesOf = (...values: readonly (Attributes | undefined)[]) => {
  const all = placeholders(Object.assign({}, ...values));
  return Object.keys(all).length === 0 ? undefined : marshalled(all);
};

const namesOf = (...expressions: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    expressions.flatMap((expression) =>
      [...expression.matchAll(/#(\w+)/g)].map(([all, name = '']) => [all, name]),
    ),
  );

const clause = (keyword: string, parts: readonly string[]): string =>
  parts.length === 0 ? '' : `${keyword} ${parts.join(', ')} `;

/** `SET #status = :status REMOVE #error`, and so on. */
const updateExpressionOf = ({ set = {}, setOnce = {}, add = {}, remove = [] }: Change): string => {
  const names = Object.keys(set);
  const present = names.filter((name) => set[name] !== undefined);
  const absent = names.filter((name) => set[name] === undefined);
  return [
    clause('SET', [
      ...present.map((name) => `#${name} = :${name}`),
      ...Object.keys(setOnce).map((name) => `#${name} = if_not_exists(#${name}, :${name})`),
    ]),
    clause(
      'REMOVE',
      [...remove, ...absent].map((name) => `#${name}`),
    ),
    clause(
      'ADD',
      Object.keys(add).map((name) => `#${name} :${name}`),
    ),
  ].join('');
};

export const createTable = (TableName: string, dynamodb: DynamoDBClient): Table => ({
  async get(key) {
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName, Key: marshalled(key), ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  },

  async put(item, { expression, values }) {
    try {
      await dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: marshalled(item),
          ConditionExpression: expression,
          ExpressionAttributeNames: namesOf(expression),
          ExpressionAttributeValues: valuesOf(values),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  },

  async update(key, change) {
    const { set, setOnce, add, condition } = change;
    const expression = updateExpressionOf(change);
    try {
      const { Attributes = {} } = await dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: marshalled(key),
          UpdateExpression: expression,
          ConditionExpression: condition?.expression,
          ExpressionAttributeNames: namesOf(expression, condition?.expression ?? ''),
          ExpressionAttributeValues: valuesOf(set, setOnce, add, condition?.values),
          // Free of charge, both of them (DynamoDB API Reference, UpdateItem).
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { isDone: true, item: unmarshall(Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { isDone: false, item: unmarshall(error.Item ?? {}) };
    }
  },

  async remove(key, condition) {
    try {
      await dynamodb.send(
        new DeleteItemCommand({
          TableName,
          Key: marshalled(key),
          ...(condition && {
            ConditionExpression: condition.expression,
            ExpressionAttributeNames: namesOf(condition.expression),
            ExpressionAttributeValues: valuesOf(condition.values),
          }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  },

  async query({ index, condition, limit, order, from }) {
    const { Items = [], LastEvaluatedKey } = await dynamodb.send(
      new QueryCommand({
        TableName,
        IndexName: index,
        // An index cannot be read so.
        ConsistentRead: index === undefined,
        ScanIndexForward: order !== 'descending',
        KeyConditionExpression: condition.expression,
        ExpressionAttributeNames: namesOf(condition.expression),
        ExpressionAttributeValues: valuesOf(condition.values),
        Limit: limit,
        ExclusiveStartKey: from,
      }),
    );
    return { items: Items.map((item) => unmarshall(item)), next: LastEvaluatedKey };
  },
});
