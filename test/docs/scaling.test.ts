import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { prices } from '../../lib/cost/prices.ts';
import {
  assumptions,
  belowFrom,
  carriedBy,
  connectionBytes,
  costsOf,
  enoughFor,
  evenWaitSeconds,
  keptForMonth,
  largestBodyForContainers,
  type MonthlyCost,
  million,
  millionConnectionsUsd,
  millionMore,
  needsOf,
  quotas,
  settingsFor,
  takenOf,
  totalOf,
  type Upload,
  type Way,
  waitUsdPerSecond,
} from '../../lib/cost/scaling.ts';
import { readSettings } from '../../lib/settings.ts';
import { inContainers, resourcesOf, templateWith } from '../lib/stacks.ts';

const page = readFileSync('docs/scaling.md', 'utf8');
/** In one line. */
const text = page.replaceAll(/\s+/g, ' ');
const sections = page.split(/^##+ /m);

/** The rows of a section's tables, without their heads. */
const rowsOf = (heading: string): readonly (readonly string[])[] =>
  (sections.find((section) => section.startsWith(`${heading}\n`)) ?? '')
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .flatMap((table) => table.trim().split('\n').slice(2))
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const steps = [1, 3, 10, 30, 100].map((millions) => millions * million);
const digits = (count: number) => (value: number) =>
  value.toLocaleString('en', { minimumFractionDigits: count, maximumFractionDigits: count });
const whole = digits(0);
const tenths = digits(1);
const hundredths = digits(2);

const photo: Upload = { bodyBytes: assumptions.photoBytes };
const smallImage: Upload = { bodyBytes: assumptions.smallImageBytes };
const announcement: Upload = { bodyBytes: assumptions.announcementBytes };

const usdOfMillion = (way: Way, upload: Upload): string => hundredths(millionMore(totalOf(way, upload)));

describe('what it costs', () => {
  const rowFor = (label: string, cost: MonthlyCost) => [
    label,
    hundredths(millionMore(cost)),
    ...steps.map((imagesPerDay) => whole(cost(imagesPerDay))),
  ];
  const rowsFor = (way: Way) =>
    Object.entries(costsOf(way, photo)).map(([label, cost]) => rowFor(label, cost));

  test('is what the prices and the assumptions come to', () => {
    const functions = rowsFor('functions');
    const inEveryWay = rowsFor('containers').filter(([label]) =>
      functions.some(([other]) => other === label),
    );
    expect(inEveryWay).toHaveLength(5);
    const heading = (text: string) => [text, ...Array.from({ length: 6 }, () => '')];
    expect(rowsOf('What it costs')).toEqual([
      ...inEveryWay,
      heading('*With functions also*'),
      ...functions.slice(inEveryWay.length),
      rowFor('**Functions**', totalOf('functions', photo)),
      heading('*In containers also*'),
      ...rowsFor('containers').slice(inEveryWay.length),
      rowFor('**Containers**', totalOf('containers', photo)),
      rowFor('**Mixed**', totalOf('mixed', photo)),
      rowFor('200 KB in the body: functions', totalOf('functions', smallImage)),
      rowFor('200 KB in the body: containers', totalOf('containers', smallImage)),
      rowFor('Straight to S3: functions', totalOf('functions', announcement)),
      rowFor('Straight to S3: containers', totalOf('containers', announcement)),
      rowFor('Originals of 2 MB', keptForMonth(assumptions.photoBytes)),
      rowFor('Thumbnails', keptForMonth(assumptions.thumbnailBytes)),
    ]);
  });

  test('is for functions what docs/cost.md has, line by line', () => {
    const cost = readFileSync('docs/cost.md', 'utf8');
    const [, table = ''] = /## A million uploads\n(.*?)\n\nThe /s.exec(cost) ?? [];
    const listed = [...table.matchAll(/\| \**(?:\w.*?) \| \**(\d+\.\d\d)/g)].map(([, usd]) => usd);
    const reckoned = [...Object.values(costsOf('functions', photo)), totalOf('functions', photo)];
    expect(listed).toHaveLength(reckoned.length);
    expect(listed.sort()).toEqual(reckoned.map((each) => hundredths(millionMore(each))).sort());
  });
});

describe('functions or containers', () => {
  test('are compared for each way in which images come', () => {
    const rowFor = (label: string, way: Way, upload: Upload) => {
      const from = belowFrom(totalOf(way, upload), totalOf('functions', upload));
      return [
        label,
        usdOfMillion('functions', upload),
        way,
        usdOfMillion(way, upload),
        from === undefined ? 'never' : hundredths(from / million),
      ];
    };
    expect(rowsOf('Functions or containers')).toEqual([
      rowFor('2 MB in the body', 'containers', photo),
      rowFor('2 MB in the body', 'mixed', photo),
      rowFor('2 MB in the body, callers wait for 1 s', 'containers', { ...photo, waitSeconds: 1 }),
      rowFor('200 KB in the body', 'containers', smallImage),
      rowFor('Straight to S3', 'containers', announcement),
    ]);
  });

  test('cost the same where the page says so', () => {
    const megabytes = (spot: boolean) => hundredths(largestBodyForContainers(spot) / million);
    expect(text).toContain(
      `bodies of up to ${megabytes(true)} MB, and with workers on demand of up to ${megabytes(false)} MB`,
    );
    expect(text).toContain(`are even when callers wait for ${hundredths(evenWaitSeconds)} s on average`);
    expect(text).toContain(`Below ${whole(connectionBytes / 1000)} KB`);
    const mixedFrom = belowFrom(totalOf('mixed', photo), totalOf('functions', photo)) ?? 0;
    expect(text).toContain(`a mixture is cheapest**, from ${tenths(mixedFrom / million)} million a day`);
  });

  test('have no dollars in the text that are not reckoned', () => {
    const onDemand = { ...photo, spot: false };
    const of = (way: Way, upload: Upload, line: string) => {
      const cost = costsOf(way, upload)[line];
      if (cost === undefined) throw new Error(`There is no ${line}`);
      return millionMore(cost);
    };
    const resizeSecond =
      (of('functions', photo, 'Resize function') - prices.lambdaMillionCalls) / assumptions.resizeSeconds;
    const reckoned = [
      millionMore(keptForMonth(assumptions.photoBytes)),
      millionMore(keptForMonth(assumptions.thumbnailBytes)),
      of('containers', onDemand, 'Workers') - of('containers', photo, 'Workers'),
      of('containers', { bodyBytes: million }, 'Load balancer: bytes'),
      of('functions', { bodyBytes: 512 * 1024 }, 'API Gateway'),
      largestBodyForContainers(true) / million,
      largestBodyForContainers(false) / million,
      millionConnectionsUsd,
      waitUsdPerSecond,
      evenWaitSeconds,
      of('containers', onDemand, 'Workers'),
      of('functions', photo, 'Resize function'),
      waitUsdPerSecond / 10,
      resizeSecond / 10,
      of('containers', photo, 'Workers') / (10 * assumptions.resizeSeconds),
      carriedBy.resizeMaxConcurrency.most / needsOf(100 * million).peakPerSecond,
    ].map(hundredths);
    const prose = page
      .split('\n')
      .filter((line) => !line.startsWith('|'))
      .join('\n');
    expect(prose.match(/\b\d+\.\d\d\b/g)).toEqual(reckoned);
  });
});

test('tells how much runs at once', () => {
  const needs = steps.map(needsOf);
  expect(rowsOf('How much runs at once')).toEqual([
    ['Images a second, on average', ...needs.map(({ perSecond }) => whole(perSecond))],
    ['Images a second, at the peak', ...needs.map(({ peakPerSecond }) => whole(peakPerSecond))],
    ['Ingest functions', ...needs.map(({ ingestFunctions }) => whole(ingestFunctions))],
    [
      'Ingest functions, if callers wait for 1 s',
      ...needs.map(({ waitingFunctions }) => whole(waitingFunctions)),
    ],
    ['Resize functions', ...needs.map(({ resizeFunctions }) => whole(resizeFunctions))],
    ['Ingest tasks of 1 vCPU', ...needs.map(({ ingestTasks }) => whole(ingestTasks))],
    ['Workers of 2 vCPU', ...needs.map(({ workers }) => whole(workers))],
    ['vCPUs on demand', ...needs.map(({ vcpusOnDemand }) => whole(vcpusOnDemand))],
    ['vCPUs on Spot', ...needs.map(({ vcpusOnSpot }) => whole(vcpusOnSpot))],
    ['Gbit/s of 2 MB bodies', ...needs.map(({ bodyBitsPerSecond }) => tenths(bodyBitsPerSecond / 1e9))],
  ]);
});

describe('what the settings carry', () => {
  /** A setting by its name with dots, and nothing else. */
  const settingOf = (name: string, value: number): Readonly<Record<string, unknown>> => {
    const [first = '', ...rest] = name.split('.');
    return { [first]: rest.length === 0 ? value : settingOf(rest.join('.'), value) };
  };

  test('is told for each, at its default and at its most', () => {
    expect(
      rowsOf('What the settings carry').map(([name = '', ...cells]) => [name.split(':')[0], ...cells]),
    ).toEqual(
      Object.entries(carriedBy).map(([name, carried]) => [
        `\`${name}\``,
        whole(carried.default),
        hundredths(carried.carriesByDefault / million),
        whole(carried.most),
        hundredths(carried.carriesAtMost / million),
      ]),
    );
  });

  test.each(Object.entries(carriedBy))('is as much as %s may be at most', (name, { most }) => {
    const read = (value: number) => () => readSettings(settingOf(name, value));
    expect(read(most)).not.toThrow();
    expect(read(most + 1)).toThrow(name);
  });
});

describe('quotas', () => {
  test('are listed with what they are enough for, those first that are reached first', () => {
    const rows = rowsOf('Quotas');
    expect(rows.map(([, limit, , enough]) => [limit, enough])).toEqual(
      Object.values(quotas).map((quota) => [whole(quota.limit), tenths(enoughFor(quota) / million)]),
    );
    expect(rows.map(([, , perImage = '']) => Number.parseFloat(perImage))).toEqual(
      Object.values(quotas).map(({ perImage }) => Number(perImage.toFixed(2))),
    );
    const enough = Object.values(quotas).map(enoughFor);
    expect(enough).toEqual(enough.toSorted((one, other) => one - other));
  });

  test('have their page of AWS', () => {
    const listed = rowsOf('Quotas').map(([name = '']) => /\[(\d+)\]$/.exec(name)?.[1]);
    expect(new Set(listed)).toEqual(new Set([...text.matchAll(/\[(\d+)\] "/g)].map(([, number]) => number)));
  });

  test('of other regions are enough for what is said', () => {
    expect(text).toContain(
      `300, which is enough for ${tenths(enoughFor({ ...quotas.snsPublish, limit: 300 }) / million)}`,
    );
    const fourVariants = { ...quotas.s3Puts, perImage: 4 };
    expect(text).toContain(`with four for ${whole(enoughFor(fourVariants) / million)}.`);
  });
});

describe('at so many images a day', () => {
  const defaults = readSettings({});

  /** Nothing where the default suffices. */
  const raised = (values: readonly number[], fallback: number) =>
    values.map((value) => (value > fallback ? whole(value) : ''));
  const taken = (quota: (typeof quotas)[keyof typeof quotas]) =>
    raised(
      steps.map((imagesPerDay) => Math.ceil(takenOf(quota, imagesPerDay))),
      quota.limit,
    );

  test('there is all that must be raised', () => {
    const settings = steps.map(settingsFor);
    const needs = steps.map(needsOf);
    expect(rowsOf('At so many images a day')).toEqual([
      [
        '`uploadsPerSecond`',
        ...raised(
          settings.map(({ uploadsPerSecond }) => uploadsPerSecond),
          defaults.uploadsPerSecond,
        ),
      ],
      [
        '`uploadBurst`',
        ...raised(
          settings.map(({ uploadBurst }) => uploadBurst),
          defaults.uploadBurst,
        ),
      ],
      [
        '`maxUploadsPerDay`',
        ...raised(
          settings.map(({ maxUploadsPerDay }) => maxUploadsPerDay),
          defaults.maxUploadsPerDay,
        ),
      ],
      [
        '`maxUploadBytesPerDay`',
        ...raised(
          settings.map(({ maxUploadBytesPerDay }) => maxUploadBytesPerDay),
          defaults.maxUploadBytesPerDay,
        ),
      ],
      [
        '`alerts.usualImagesPerHour`',
        ...raised(
          settings.map(({ alerts }) => alerts.usualImagesPerHour),
          defaults.alerts.usualImagesPerHour,
        ),
      ],
      [
        '`resizeMaxConcurrency`',
        ...raised(
          settings.map(({ resizeMaxConcurrency }) => resizeMaxConcurrency),
          defaults.resizeMaxConcurrency,
        ),
      ],
      [
        '`fargate.ingest.maxTasks`',
        ...raised(
          settings.map(({ fargate }) => fargate.ingest.maxTasks),
          defaults.fargate.ingest.maxTasks,
        ),
      ],
      [
        '`fargate.worker.maxTasks`',
        ...raised(
          settings.map(({ fargate }) => fargate.worker.maxTasks),
          defaults.fargate.worker.maxTasks,
        ),
      ],
      [
        'Quota: Fargate On-Demand vCPUs',
        ...raised(
          needs.map(({ vcpusOnDemand }) => 2 * vcpusOnDemand),
          quotas.fargateVcpus.limit,
        ),
      ],
      [
        'Quota: Fargate Spot vCPUs',
        ...raised(
          needs.map(({ vcpusOnSpot }) => 2 * vcpusOnSpot),
          quotas.fargateSpotVcpus.limit,
        ),
      ],
      ['Quota: Firehose, requests a second', ...taken(quotas.firehoseRequests)],
      ['Quota: SNS, messages a second', ...taken(quotas.snsPublish)],
      ['Quota: Lambda, concurrent executions', ...taken(quotas.lambdaConcurrency)],
      ['Writes a second of the table to warm', ...taken(quotas.newTableWrites)],
      ['Writes a second of the index to warm', ...taken(quotas.newIndexWrites)],
    ]);
  });

  test('no other quota must be raised, but for what is reserved of the load balancer', () => {
    const most = 100 * million;
    const short = Object.entries(quotas)
      .filter(([, quota]) => enoughFor(quota) < most)
      .map(([name]) => name);
    expect(short).toEqual([
      'fargateSpotVcpus',
      'fargateVcpus',
      'firehoseRequests',
      'snsPublish',
      'newTableWrites',
      'lambdaConcurrency',
      'newIndexWrites',
      'reservableLcus',
    ]);
  });

  test('the settings may be that high', () => {
    for (const imagesPerDay of steps)
      expect(() => readSettings({ ...inContainers, ...settingsFor(imagesPerDay) })).not.toThrow();
  });
});

describe('what is deployed', () => {
  let containers: Template;

  beforeAll(() => {
    containers = templateWith(inContainers);
  });

  const targetsOf = (template: Template) =>
    resourcesOf(template, 'AWS::ApplicationAutoScaling::ScalingPolicy').map(
      ({ TargetTrackingScalingPolicyConfiguration: target }) => target,
    );

  test('starts an ingest task for as many uploads as assumed', () => {
    const requests = targetsOf(containers).filter(
      (target) => target?.PredefinedMetricSpecification?.PredefinedMetricType === 'ALBRequestCountPerTarget',
    );
    expect(requests.map(({ TargetValue }) => TargetValue)).toEqual([60 * assumptions.uploadsPerSecondOfTask]);
  });

  test('aims at as many messages for each worker as the page says', () => {
    const [, messages] = /aims at (\d+) for each worker/.exec(text) ?? [];
    expect(targetsOf(containers).map((target) => target?.TargetValue)).toContain(Number(messages));
  });

  test('runs as many workers on demand as assumed', () => {
    const [strategy] = resourcesOf(containers, 'AWS::ECS::Service').flatMap(
      ({ name, CapacityProviderStrategy: strategy }) => (name.includes('Resize') ? [strategy] : []),
    );
    expect(strategy).toEqual([
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 1 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 1 / assumptions.onDemandShare - 1 },
    ]);
  });

  test('has as many endpoints as assumed', () => {
    const endpoints = resourcesOf(containers, 'AWS::EC2::VPCEndpoint');
    expect(endpoints.filter(({ VpcEndpointType: type }) => type === 'Interface')).toHaveLength(
      assumptions.endpoints,
    );
  });

  test('shows a failed message again when the page says', () => {
    const [, seconds = '', rate = ''] = /after (\d+) s\. If .*?, and (\d+) a second fill/.exec(text) ?? [];
    const timeouts = resourcesOf(containers, 'AWS::SQS::Queue').map((queue) => queue.VisibilityTimeout);
    expect(timeouts).toContain(Number(seconds));
    expect(rate).toBe(whole(quotas.queueInFlight.limit / Number(seconds)));
  });
});

test('leads to headings that there are', () => {
  const headingsOf = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
  const links = [...text.matchAll(/\]\(([a-z-]*\.md)?#([^)]+)\)/g)];
  expect(links.length).toBeGreaterThan(4);
  for (const [, file = 'scaling.md', anchor] of links) expect(headingsOf(`docs/${file}`)).toContain(anchor);
});
