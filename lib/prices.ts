/** List prices of us-east-2 in US dollars, without free tiers. docs/cost.md has the same, with their source. */
export const prices = {
  apiMillionRequests: 1,
  lambdaGigabyteSecond: 0.0000133334,
  lambdaMillionCalls: 0.2,
  s3ThousandPuts: 0.005,
  s3ThousandGets: 0.0004,
  dynamodbMillionWrites: 0.625,
  dynamodbMillionReads: 0.125,
  sqsMillionRequests: 0.4,
  snsMillionEvents: 0.5,
  sesThousandMails: 0.1,
  logsGigabyte: 0.5,
} as const;
