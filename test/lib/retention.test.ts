import { resourcesOf, templateWith } from './stacks.ts';

interface Rule {
  readonly Id: string;
  readonly Prefix?: string;
  readonly ExpirationInDays?: number;
}

/** The rules of both image buckets, by their prefixes in the name of the bucket. */
const bucketsWith = (given: Readonly<Record<string, unknown>>) => {
  const buckets = resourcesOf(templateWith(given), 'AWS::S3::Bucket');
  const bucket = (beginning: string) => {
    const found = buckets.find(({ name }) => name.startsWith(beginning));
    if (found === undefined) throw new Error(`There is no bucket ${beginning}.`);
    const rules: readonly Rule[] = found.LifecycleConfiguration.Rules;
    return { rules, versioning: found.VersioningConfiguration };
  };
  return { raw: bucket('RawBucket'), thumbnail: bucket('ThumbnailBucket') };
};

const expiries = (rules: readonly Rule[]) =>
  rules.flatMap(({ Prefix, ExpirationInDays }) => (ExpirationInDays ? [[Prefix, ExpirationInDays]] : []));

test('by default nothing expires and no version is kept', () => {
  const { raw, thumbnail } = bucketsWith({});
  for (const { rules, versioning } of [raw, thumbnail]) {
    expect(expiries(rules)).toEqual([]);
    expect(versioning).toBeUndefined();
    expect(rules.map(({ Id }) => Id)).toContain('AbortAbandonedUploads');
  }
});

test('originals expire in S3 while thumbnails stay', () => {
  const { raw, thumbnail } = bucketsWith({ retention: { originalDays: 30 } });
  expect(expiries(raw.rules)).toEqual([['raw/', 30]]);
  expect(expiries(thumbnail.rules)).toEqual([]);
});

test('what the reconciler has not deleted in time expires in S3 two days later', () => {
  const { raw, thumbnail } = bucketsWith({ retention: { imageDays: 90 } });
  expect(expiries(raw.rules)).toEqual([['raw/', 92]]);
  expect(expiries(thumbnail.rules)).toEqual([['thumbnails/', 92]]);
});

test('with versioning, previous versions and markers without versions expire', () => {
  const { raw, thumbnail } = bucketsWith({ versioning: true });
  for (const { rules, versioning } of [raw, thumbnail]) {
    expect(versioning).toEqual({ Status: 'Enabled' });
    expect(rules).toEqual(
      expect.arrayContaining([
        {
          Id: 'ExpirePreviousVersions',
          NoncurrentVersionExpiration: { NoncurrentDays: 7 },
          Status: 'Enabled',
        },
        { Id: 'RemoveDeleteMarkers', ExpiredObjectDeleteMarker: true, Status: 'Enabled' },
      ]),
    );
  }
});
