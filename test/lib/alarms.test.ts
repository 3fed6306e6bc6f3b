import type { Template } from 'aws-cdk-lib/assertions';
import { alarmsOf, type Facts, goesOff, summaryOf } from './deployed-alarms.ts';
import { inContainers, resourcesOf, templateWith } from './stacks.ts';

let plain: Template;
let withMail: Template;
let containers: Template;

beforeAll(() => {
  plain = templateWith();
  containers = templateWith({
    ...inContainers,
    email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
    alerts: { uploadToReadyGoalSeconds: 4 },
    fargate: { worker: { maxTasks: 8 } },
  });
  withMail = templateWith({
    email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
    alerts: { emails: ['day@example.com', 'night@example.com'], uploadToReadyGoalSeconds: 4 },
  });
});

const always = {
  'resize-dead-letters':
    'ApproximateNumberOfMessagesVisible of ResizeQueueDeadLetters (Maximum) >= 1, 1 of 1 x 300 s',
  'resize-queue-age': 'ApproximateAgeOfOldestMessage of ResizeQueue (Maximum) > 900, 1 of 1 x 300 s',
  'slow-resize-dead-letters':
    'ApproximateNumberOfMessagesVisible of SlowResizeQueueDeadLetters (Maximum) >= 1, 1 of 1 x 300 s',
  'slow-resize-queue-age':
    'ApproximateAgeOfOldestMessage of SlowResizeQueue (Maximum) > 3600, 1 of 1 x 300 s',
  'api-5xx-rate': '5xx of UploadApiHttpApi (Sum), Count of UploadApiHttpApi (Sum) > 1, 1 of 1 x 300 s',
  'upload-to-ready':
    'UploadToReadyMilliseconds (SampleCount), UploadToReadyMilliseconds (p95) > 4000, 3 of 3 x 300 s',
  'resize-errors': 'Retries (Sum) >= 5, 1 of 1 x 300 s',
  'failed-images': 'Failed (SampleCount), Failed (Average) > 20, 1 of 1 x 900 s',
  'runaway-resizes': 'Failed (SampleCount), Uploads (Sum) > 100, 1 of 1 x 3600 s',
  'daily-budget-80-percent': 'BudgetUsedPercent (Maximum) >= 80, 1 of 1 x 3600 s',
  'daily-budget-exhausted': 'BudgetRefusals (Sum) >= 1, 1 of 1 x 3600 s',
  'events-unpublished': 'EventsUnpublished (Sum) >= 1, 1 of 1 x 300 s',
  'ingest-errors': 'Errors of IngestFunction (Sum) >= 3, 1 of 1 x 300 s',
  'ingest-throttles': 'Throttles of IngestFunction (Sum) >= 5, 2 of 2 x 300 s',
  'reconciler-errors': 'Errors of ReconcilerFunction (Sum) >= 1, 2 of 3 x 300 s',
};

const ofMail = {
  'delete-dead-letters':
    'ApproximateNumberOfMessagesVisible of DeleteQueueDeadLetters (Maximum) >= 1, 1 of 1 x 300 s',
  'notify-dead-letters':
    'ApproximateNumberOfMessagesVisible of NotifyQueueDeadLetters (Maximum) >= 1, 1 of 1 x 300 s',
};

const expected = {
  ...always,
  'resize-crashes': 'Errors of ResizeFunction (Sum) >= 3, 1 of 1 x 300 s',
  'slow-resize-crashes': 'Errors of ResizeSlowFunction (Sum) >= 3, 1 of 1 x 300 s',
  'resize-throttles': 'Throttles of ResizeFunction (Sum) >= 5, 2 of 2 x 300 s',
  'slow-resize-throttles': 'Throttles of ResizeSlowFunction (Sum) >= 5, 2 of 2 x 300 s',
  'runaway-invocations': 'Invocations of ResizeFunction (Sum) > 5000, 1 of 1 x 3600 s',
  ...ofMail,
};

const balancer = 'ContainersLoadBalancer';
const [ingest, resize] = ['Ingest', 'Resize'].map((name) => `ContainersCluster of Containers${name}Service`);

const expectedInContainers = {
  ...always,
  'load-balancer-5xx-rate': `RequestCount of ${balancer} (Sum), HTTPCode_Target_5XX_Count of ${balancer} (Sum) > 1, 1 of 1 x 300 s`,
  'load-balancer-errors': `HTTPCode_ELB_5XX_Count of ${balancer} (Sum) >= 5, 2 of 2 x 300 s`,
  'ingest-targets-unhealthy': `UnHealthyHostCount of ${balancer}Https of ${balancer}Targets (Maximum) >= 1, 3 of 3 x 300 s`,
  'ingest-tasks-missing': `DesiredTaskCount of ${ingest} (Minimum), RunningTaskCount of ${ingest} (Maximum) >= 1, 3 of 3 x 300 s`,
  'resize-tasks-missing': `DesiredTaskCount of ${resize} (Minimum), RunningTaskCount of ${resize} (Maximum) >= 1, 3 of 3 x 300 s`,
  'ingest-cpu': `CPUUtilization of ${ingest} (Average) > 85, 3 of 3 x 300 s`,
  'ingest-memory': `MemoryUtilization of ${ingest} (Maximum) > 90, 3 of 3 x 300 s`,
  'resize-memory': `MemoryUtilization of ${resize} (Maximum) > 90, 3 of 3 x 300 s`,
  'resize-backlog': `ApproximateNumberOfMessagesVisible of ResizeQueue (Maximum), RunningTaskCount of ${resize} (Minimum) > 26, 3 of 3 x 300 s`,
  'runaway-messages': 'NumberOfMessagesReceived of ResizeQueue (Sum) > 5000, 1 of 1 x 3600 s',
  ...ofMail,
};

describe('the alarms', () => {
  const summariesOf = (template: Template) =>
    Object.fromEntries(alarmsOf(template).map((alarm) => [alarm.name, summaryOf(alarm)]));

  test('with functions are exactly these', () => {
    expect(summariesOf(withMail)).toEqual(expected);
  });

  test('with containers are exactly these', () => {
    expect(summariesOf(containers)).toEqual(expectedInContainers);
  });

  test('without mail are the same except for the one about mails', () => {
    const { 'notify-dead-letters': _, ...others } = expected;
    expect(Object.keys(summariesOf(plain)).sort()).toEqual(Object.keys(others).sort());
    expect(summariesOf(plain)['upload-to-ready']).toBe(others['upload-to-ready'].replace('4000', '10000'));
  });

  test('follow the settings, and watch the metrics of their own service only', () => {
    const second = templateWith({ stackName: 'Second', alerts: { usualImagesPerHour: 20 } });
    const names = resourcesOf(second, 'AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName);
    expect(names).toContain('Second-runaway-invocations');
    const alarms = alarmsOf(second);
    expect(alarms.find(({ name }) => name === 'runaway-invocations')?.threshold).toBe(100);
    const own = alarms
      .flatMap(({ metrics }) => Object.values(metrics))
      .filter(({ Metric }) => Metric.Namespace === 'ThumbnailGenerator');
    expect(own.length).toBeGreaterThan(5);
    for (const { Metric } of own) expect(Metric.Dimensions).toEqual([{ Name: 'service', Value: 'Second' }]);
  });

  test('notify the alerts topic when they go off and when it is over', () => {
    const [topic] = resourcesOf(withMail, 'AWS::SNS::Topic').filter(({ name }) => name.startsWith('Alerts'));
    const alerts = [{ Ref: topic?.name }];
    for (const { actions } of [...alarmsOf(withMail), ...alarmsOf(containers)]) {
      expect(actions).toEqual({ alarm: alerts, ok: alerts });
    }
  });

  test('ignore missing data, except of tasks of which some should always run', () => {
    const goingOff = (template: Template) =>
      alarmsOf(template).flatMap(({ name, missing }) => (missing === 'breaching' ? [name] : []));
    expect(goingOff(withMail)).toEqual([]);
    expect(goingOff(containers)).toEqual(['ingest-tasks-missing', 'resize-tasks-missing']);
    const sleeping = templateWith({ ...inContainers, fargate: { worker: { minTasks: 0 } } });
    sleeping.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'ThumbnailGenerator-resize-tasks-missing',
      TreatMissingData: 'notBreaching',
    });
  });

  test('have a description of two or three sentences, with a link to the runbook', () => {
    for (const { name, description } of [...alarmsOf(withMail), ...alarmsOf(containers)]) {
      const { groups } =
        /^(?<text>.+\.) See docs\/runbook\.md#(?<anchor>[a-z0-9-]+)$/.exec(description) ?? {};
      expect(groups?.['anchor']).toBe(name);
      const sentences = groups?.['text']?.split(/(?<=\.) /).length;
      expect(sentences).toBeGreaterThanOrEqual(2);
      expect(sentences).toBeLessThanOrEqual(3);
      // CloudWatch API Reference, PutMetricAlarm.
      expect(description.length).toBeLessThanOrEqual(1024);
    }
  });
});

const minutes = 60;

describe('the right alarms go off when', () => {
  test.each<[situation: string, facts: Facts, withinMinutes: number, alarms: readonly string[]]>([
    ['nothing happens', {}, 60, []],
    ['one image fails in a quiet hour', { Uploads: 1, Failed: 1 }, 1, []],
    ['ten images fail in a quiet hour', { Uploads: 10, Failed: 10 }, 1, []],
    ['a fifth of many images fails', { Uploads: 100, Ready: 80, Failed: 20 }, 15, []],
    ['half of sixty images fail', { Uploads: 60, Ready: 30, Failed: 30 }, 15, ['failed-images']],
    ['twenty images fail and none is ready', { Uploads: 20, Failed: 20 }, 15, ['failed-images']],
    [
      'a thousand images an hour arrive, some twice, some broken',
      {
        Uploads: 1000,
        Duplicates: 500,
        Ready: 950,
        Failed: 50,
        UploadToReadyMilliseconds: 950,
        'p95 of UploadToReadyMilliseconds': 3900,
        'Invocations of ResizeFunction': 1000,
        'Count of UploadApiHttpApi': 4000,
        '5xx of UploadApiHttpApi': 4,
        'ApproximateAgeOfOldestMessage of ResizeQueue': 3,
      },
      60,
      [],
    ],
    ['more images are resized again than uploaded', { Uploads: 100, Ready: 350 }, 60, ['runaway-resizes']],
    ['images are resized again and none is uploaded', { Ready: 101 }, 60, ['runaway-resizes']],
    ['an hour ends between uploads and their thumbnails', { Uploads: 0, Ready: 100 }, 60, []],
    [
      'six times the usual images arrive',
      { 'Invocations of ResizeFunction': 6000 },
      60,
      ['runaway-invocations'],
    ],
    [
      'images take long',
      { UploadToReadyMilliseconds: 10, 'p95 of UploadToReadyMilliseconds': 4001 },
      5,
      ['upload-to-ready'],
    ],
    [
      'nine images take long',
      { UploadToReadyMilliseconds: 9, 'p95 of UploadToReadyMilliseconds': 60_000 },
      5,
      [],
    ],
    ['four of four requests fail', { 'Count of UploadApiHttpApi': 4, '5xx of UploadApiHttpApi': 4 }, 5, []],
    [
      'five of four hundred requests fail',
      { 'Count of UploadApiHttpApi': 400, '5xx of UploadApiHttpApi': 5 },
      5,
      ['api-5xx-rate'],
    ],
    [
      'five of a thousand requests fail',
      { 'Count of UploadApiHttpApi': 1000, '5xx of UploadApiHttpApi': 5 },
      5,
      [],
    ],
    ['79 % of the daily budget is used', { Uploads: 1000, Ready: 1000, BudgetUsedPercent: 79 }, 60, []],
    ['80 % of the daily budget is used', { BudgetUsedPercent: 80 }, 60, ['daily-budget-80-percent']],
    [
      'an upload is refused because the daily budget is used up',
      { BudgetUsedPercent: 100, BudgetRefusals: 1 },
      60,
      ['daily-budget-80-percent', 'daily-budget-exhausted'],
    ],
    ['an event is not published', { EventsUnpublished: 1 }, 5, ['events-unpublished']],
    ['four attempts to resize fail', { Retries: 4 }, 5, []],
    ['five attempts to resize fail', { Retries: 5 }, 5, ['resize-errors']],
    [
      'two attempts to resize fail and three functions crash',
      { Retries: 2, 'Errors of ResizeFunction': 3 },
      5,
      ['resize-crashes'],
    ],
    ['three slow images crash a function', { 'Errors of ResizeSlowFunction': 3 }, 5, ['slow-resize-crashes']],
    [
      'a message that failed once waits for its second attempt',
      { Retries: 1, 'ApproximateAgeOfOldestMessage of ResizeQueue': 740 },
      5,
      [],
    ],
    [
      'a message waits for its third attempt',
      { 'ApproximateAgeOfOldestMessage of ResizeQueue': 1450 },
      5,
      ['resize-queue-age'],
    ],
    [
      'one message is in the dead-letter queue',
      { 'ApproximateNumberOfMessagesVisible of ResizeQueueDeadLetters': 1 },
      5,
      ['resize-dead-letters'],
    ],
  ])('%s', (_, facts, withinMinutes, expectedAlarms) => {
    const off = alarmsOf(withMail).filter((alarm) => goesOff(alarm, facts, withinMinutes * minutes));
    expect(off.map(({ name }) => name)).toEqual(expectedAlarms);
  });

  test.each<[situation: string, facts: Facts, withinMinutes: number, alarms: readonly string[]]>([
    ['nothing happens', {}, 60, []],
    [
      'a thousand images an hour arrive, and some wait for a worker',
      {
        Uploads: 1000,
        Ready: 1000,
        [`RequestCount of ${balancer}`]: 4000,
        [`HTTPCode_Target_5XX_Count of ${balancer}`]: 4,
        'NumberOfMessagesReceived of ResizeQueue': 1010,
        'ApproximateNumberOfMessagesVisible of ResizeQueue': 25,
        [`DesiredTaskCount of ${resize}`]: 2,
        [`RunningTaskCount of ${resize}`]: 2,
        [`CPUUtilization of ${ingest}`]: 60,
        [`MemoryUtilization of ${resize}`]: 80,
      },
      5,
      [],
    ],
    [
      'no worker runs, so that ECS sends no metrics of workers',
      { [`DesiredTaskCount of ${resize}`]: undefined, [`RunningTaskCount of ${resize}`]: undefined },
      5,
      ['resize-tasks-missing'],
    ],
    [
      'a deployment runs twice the tasks',
      { [`DesiredTaskCount of ${ingest}`]: 2, [`RunningTaskCount of ${ingest}`]: 4 },
      5,
      [],
    ],
    [
      'no ingest task starts, and the load balancer has no target',
      {
        [`DesiredTaskCount of ${ingest}`]: undefined,
        [`RunningTaskCount of ${ingest}`]: undefined,
        [`HTTPCode_ELB_5XX_Count of ${balancer}`]: 5,
      },
      5,
      ['load-balancer-errors', 'ingest-tasks-missing'],
    ],
    [
      'five of four hundred requests fail',
      { [`RequestCount of ${balancer}`]: 400, [`HTTPCode_Target_5XX_Count of ${balancer}`]: 5 },
      5,
      ['load-balancer-5xx-rate'],
    ],
    ['four requests reach no task', { [`HTTPCode_ELB_5XX_Count of ${balancer}`]: 4 }, 5, []],
    [
      'a task is not ready',
      { [`UnHealthyHostCount of ${balancer}Https of ${balancer}Targets`]: 1 },
      5,
      ['ingest-targets-unhealthy'],
    ],
    [
      'AWS reclaims Spot workers and has no others',
      { [`DesiredTaskCount of ${resize}`]: 8, [`RunningTaskCount of ${resize}`]: 3 },
      5,
      ['resize-tasks-missing'],
    ],
    [
      'more images arrive than all workers can resize',
      {
        [`DesiredTaskCount of ${resize}`]: 8,
        [`RunningTaskCount of ${resize}`]: 8,
        'ApproximateNumberOfMessagesVisible of ResizeQueue': 300,
        [`CPUUtilization of ${resize}`]: 100,
      },
      5,
      ['resize-backlog'],
    ],
    [
      'as many wait while more workers are starting',
      {
        [`DesiredTaskCount of ${resize}`]: 7,
        [`RunningTaskCount of ${resize}`]: 7,
        'ApproximateNumberOfMessagesVisible of ResizeQueue': 300,
      },
      5,
      [],
    ],
    ['ingest has no CPU left', { [`CPUUtilization of ${ingest}`]: 86 }, 5, ['ingest-cpu']],
    ['ingest has no memory left', { [`MemoryUtilization of ${ingest}`]: 91 }, 5, ['ingest-memory']],
    ['a worker has no memory left', { [`MemoryUtilization of ${resize}`]: 91 }, 5, ['resize-memory']],
    [
      'an upload is refused because the daily budget is used up',
      { BudgetUsedPercent: 100, BudgetRefusals: 1 },
      60,
      ['daily-budget-80-percent', 'daily-budget-exhausted'],
    ],
    ['five attempts to resize fail', { Retries: 5 }, 5, ['resize-errors']],
    ['messages circulate', { 'NumberOfMessagesReceived of ResizeQueue': 5001 }, 60, ['runaway-messages']],
  ])('in containers, %s', (_, facts, withinMinutes, expectedAlarms) => {
    const running = Object.fromEntries(
      [ingest, resize].flatMap((service) =>
        ['DesiredTaskCount', 'RunningTaskCount'].map((metric) => [`${metric} of ${service}`, 2]),
      ),
    );
    const off = alarmsOf(containers).filter((alarm) =>
      goesOff(alarm, { ...running, ...facts }, withinMinutes * minutes),
    );
    expect(off.map(({ name }) => name)).toEqual(expectedAlarms);
  });
});
