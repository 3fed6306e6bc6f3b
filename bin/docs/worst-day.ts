import { type Route, routes } from '../../lambdas/ingest/routes.ts';
import { maxRecipientsPerDay } from '../../lambdas/notify/mail-request.ts';
import { type CostLine, totalOf } from '../../lib/cost/image-usage.ts';
import { sumOf, usdOf } from '../../lib/cost/prices.ts';
import { assumed, fargate, httpApi, lambda } from '../../lib/cost/usage.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../../lib/resize/function-memory.ts';
import type { Settings } from '../../lib/settings.ts';

/**
 * What one day costs at most, if callers send whatever costs most all day long. Each line has a worst case of its own,
 * also where two of them exclude each other, so the sum is a bound and not a forecast.
 */
export interface WorstDayLine extends CostLine {
  readonly boundedBy: string;
}

const million = 1_000_000;
const gigabyte = 1_000_000_000;
const secondsPerDay = 86_400;
const hoursPerDay = 24;
const minutesPerDay = 1440;

/** The worst case of what settings do not bound. */
export const worstCase = {
  /** An HTTP API takes no larger body, and charges for bodies that the function refuses (its quotas, "Payload size"). */
  apiBodyBytes: 10_000_000,
  /** An accepted upload waits this long for another upload of the same image, with ten HEADs a second. */
  concurrentUploadSeconds: 3,
  concurrentUploadHeads: 31,
  /** A record, a link or the description: one read, one event and a signature. */
  otherSeconds: 0.1,
  /** A reply, and the presigned URL of each variant in it. */
  replyBytes: 2000,
  urlBytes: 2000,
  /** `/openapi.json`; a test compares it with the real one. */
  descriptionBytes: 60_000,
  /** A queue delivers a message five times, and the slow lane five times again. */
  receives: 10,
  /** Sent by S3, moved to the slow lane, moved to the dead letters, deleted; and each delivery. */
  queueRequests: 5,
  /** How often the reconciler requests an image again before it gives up. */
  requeues: 4,
  reconcilerRuns: 288,
  reconcilerSeconds: 120,
  reconcilerMemoryMiB: 512,
  /** Of each delivery: the record's creation and its end. */
  eventsOfDelivery: 2,
  /** A caller that waits for 20 s reads the record this often, and claims and returns its place. */
  readsOfWaiting: 46,
  writesOfWaiting: 4,
  /** A record's writes count again for the index. */
  writesOfUpload: 5,
  writesOfDelivery: 2,
  readsOfUpload: 3,
  /** A record with one variant, and each further variant. */
  recordBytes: 1000,
  variantBytes: 300,
  logBytesOfRequest: 1500,
  logBytesOfLink: 300,
  logBytesOfUpload: 4800,
  logBytesOfDelivery: 1500,
  /** X-Ray traces one request a second and a share of the others. */
  tracesPerDay: secondsPerDay,
  /** Of an empty queue by Lambda. */
  pollsPerMinute: 15,
  bytesPerPixel: 4,
  mailBytes: 300_000,
  notifySeconds: 0.3,
  notifyMemoryMiB: 512,
  /** Estimates of what a task receives and replies for each CPU, at 9 ms for 2 MB. */
  taskBytesPerCpuSecond: 222_000_000,
  taskRepliesPerCpuSecond: 500,
  endpointBytesOfReply: 3000,
};

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** API Gateway counts GET and HEAD as two routes, each with its own limit. */
const methodsOf = ({ method }: Route): number => (method === 'GET' ? 2 : 1);

/** What callers can cause in a day. */
const amountsOf = (settings: Settings) => {
  const throttled = (perSecond: number, burst: number): number => perSecond * secondsPerDay + burst;
  const uploadRoutes = Object.values(routes).filter(({ method }) => method === 'POST');
  const otherRoutes = Object.values(routes).filter(({ method }) => method !== 'POST');
  const perOtherRoute = throttled(settings.requestsPerSecond, settings.requestBurst);
  const routesThatOpen = (opens: Route['opens']) =>
    otherRoutes.filter((route) => route.opens === opens).length;
  const uploadRequests = uploadRoutes.length * throttled(settings.uploadsPerSecond, settings.uploadBurst);
  // The load balancer does not throttle: only the budget bounds what comes through it.
  const accepted =
    settings.compute === 'fargate'
      ? settings.maxUploadsPerDay
      : Math.min(settings.maxUploadsPerDay, uploadRequests);
  /** Each upload starts one resize; the reconciler starts the rest. */
  const messages = accepted * (1 + worstCase.requeues);
  const deliveries = messages * worstCase.receives;
  return {
    uploadRoutes: uploadRoutes.length,
    otherRoutes: total(otherRoutes.map(methodsOf)),
    uploadRequests,
    accepted,
    otherRequests: total(otherRoutes.map(methodsOf)) * perOtherRoute,
    /** GETs of links: each is an event. */
    links: routesThatOpen('link') * perOtherRoute,
    descriptions: routesThatOpen('description') * perOtherRoute,
    messages,
    deliveries,
    events: accepted + deliveries * worstCase.eventsOfDelivery,
  };
};

/** The bytes that are stored by the end of the worst day. */
export const bytesStoredByWorstDay = (settings: Settings): number => {
  const pixels = total(settings.variants.map(({ width, height }) => width * height));
  return settings.maxUploadBytesPerDay + amountsOf(settings).accepted * pixels * worstCase.bytesPerPixel;
};

const replyBytesOf = ({ variants }: Settings): number =>
  worstCase.replyBytes + variants.length * worstCase.urlBytes;

/** What comes through API Gateway, whose function exists in both modes. */
const apiLines = (settings: Settings): readonly WorstDayLine[] => {
  const { uploadRoutes, otherRoutes, uploadRequests, accepted, otherRequests, links, descriptions } =
    amountsOf(settings);
  const perUpload = httpApi(worstCase.apiBodyBytes, uploadRequests);
  const units = (perUpload.apiRequests ?? 0) / uploadRequests;
  const byUploads = `\`uploadsPerSecond\` ${number(settings.uploadsPerSecond)} on each of ${uploadRoutes} routes`;
  const byRequests = `\`requestsPerSecond\` ${number(settings.requestsPerSecond)} on each of ${otherRoutes} routes`;
  return [
    {
      what: 'HTTP API: uploads and announcements, including refused ones',
      boundedBy: `${byUploads}, ${units} units each`,
      usage: perUpload,
    },
    {
      what: 'Ingest: uploads and announcements, including refused ones',
      boundedBy: `${byUploads} x ${assumed.ingestSeconds} s, and \`maxUploadsPerDay\` x ${worstCase.concurrentUploadSeconds} s`,
      usage: lambda(
        uploadRequests * assumed.ingestSeconds +
          Math.min(accepted, uploadRequests) * worstCase.concurrentUploadSeconds,
        ingestMemoryMiB,
        uploadRequests,
      ),
    },
    {
      what: 'Ingest: waiting callers',
      boundedBy: `\`maxWaitingCallers\` ${settings.maxWaitingCallers} x 86,400 s x 1 GB`,
      usage: lambda(settings.maxWaitingCallers * secondsPerDay, ingestMemoryMiB, 0),
    },
    {
      what: 'DynamoDB: uploads that the budget refuses',
      boundedBy: `${byUploads}, a write each`,
      usage: { dynamodbWrites: uploadRequests },
    },
    {
      what: 'Logs, traces and data out: uploads and announcements',
      boundedBy: byUploads,
      usage: {
        logBytes: uploadRequests * worstCase.logBytesOfRequest,
        traces: uploadRequests * assumed.tracedShare + worstCase.tracesPerDay,
        dataOutBytes: uploadRequests * replyBytesOf(settings),
      },
    },
    {
      what: 'HTTP API: all other routes',
      boundedBy: byRequests,
      usage: httpApi(0, otherRequests),
    },
    {
      what: 'Ingest: all other routes',
      boundedBy: `${byRequests} x ${worstCase.otherSeconds} s`,
      usage: lambda(otherRequests * worstCase.otherSeconds, ingestMemoryMiB, otherRequests),
    },
    {
      what: 'DynamoDB and SNS: all other routes',
      boundedBy: `${byRequests}: a read each, and an event for each GET of a link`,
      usage: { dynamodbReads: otherRequests, snsEvents: links },
    },
    {
      what: 'Logs, traces and data out: all other routes',
      boundedBy: `${byRequests}; \`/openapi.json\` has ${number(worstCase.descriptionBytes)} bytes`,
      usage: {
        logBytes: otherRequests * worstCase.logBytesOfRequest,
        traces: otherRequests * assumed.tracedShare,
        dataOutBytes:
          (otherRequests - descriptions) * replyBytesOf(settings) + descriptions * worstCase.descriptionBytes,
      },
    },
  ];
};

/** What is done for accepted images in both modes. */
const imageLines = (settings: Settings): readonly WorstDayLine[] => {
  const { accepted, messages, deliveries, events, links } = amountsOf(settings);
  const variants = settings.variants.length;
  const unitsOfRecord = Math.ceil((worstCase.recordBytes + (variants - 1) * worstCase.variantBytes) / 1024);
  const writesOfUpload = worstCase.writesOfUpload + worstCase.writesOfWaiting;
  const readsOfUpload = worstCase.readsOfUpload + worstCase.readsOfWaiting;
  const byUploads = `\`maxUploadsPerDay\` ${number(settings.maxUploadsPerDay)}`;
  const mail: WorstDayLine = {
    what: 'Mail',
    boundedBy: `${byUploads}, a mail for each, to at most ${maxRecipientsPerDay} people an image; every event is read`,
    usage: sumOf([
      { sesMails: accepted, dataOutBytes: accepted * worstCase.mailBytes },
      lambda(events * worstCase.notifySeconds, worstCase.notifyMemoryMiB, events),
      { sqsRequests: 4 * events, dynamodbWrites: 5 * accepted },
    ]),
  };
  const lake: WorstDayLine = {
    what: 'Data lake',
    boundedBy: 'every event of images and of links',
    usage: { lakeEvents: events + links },
  };
  return [
    {
      what: 'S3: accepted uploads',
      boundedBy: `${byUploads}: a PUT and ${worstCase.concurrentUploadHeads} HEADs each; ${worstCase.receives} deliveries, each a GET and ${variants} PUT of a thumbnail`,
      usage: {
        s3Puts: accepted + deliveries * variants,
        s3Gets: accepted * worstCase.concurrentUploadHeads + deliveries + messages,
      },
    },
    {
      what: 'S3: what is stored on that day',
      boundedBy: `\`maxUploadBytesPerDay\` ${number(settings.maxUploadBytesPerDay / gigabyte)} GB, and thumbnails of ${worstCase.bytesPerPixel} bytes a pixel`,
      usage: { s3ByteMonths: bytesStoredByWorstDay(settings) / 30 },
    },
    {
      what: 'DynamoDB: accepted uploads',
      boundedBy: `${byUploads}: ${writesOfUpload} writes and ${readsOfUpload} reads; each delivery ${worstCase.writesOfDelivery} writes and a read`,
      usage: {
        dynamodbWrites: unitsOfRecord * (accepted * writesOfUpload + deliveries * worstCase.writesOfDelivery),
        dynamodbReads: unitsOfRecord * (accepted * readsOfUpload + deliveries),
      },
    },
    {
      what: 'SQS',
      boundedBy: `${byUploads}: ${worstCase.queueRequests} requests and ${worstCase.receives} deliveries, and polls`,
      usage: {
        sqsRequests:
          messages * (worstCase.queueRequests + worstCase.receives) +
          3 * worstCase.pollsPerMinute * minutesPerDay,
      },
    },
    {
      what: 'SNS: images',
      boundedBy: `${byUploads}: an event each, and ${worstCase.eventsOfDelivery} with each of ${worstCase.receives} deliveries`,
      usage: { snsEvents: events },
    },
    {
      what: 'Logs and traces: images',
      boundedBy: `${byUploads}: ${worstCase.receives} deliveries of ${number(worstCase.logBytesOfDelivery)} bytes`,
      usage: {
        logBytes: accepted * worstCase.logBytesOfUpload + deliveries * worstCase.logBytesOfDelivery,
        traces: deliveries * assumed.tracedShare + worstCase.tracesPerDay,
      },
    },
    {
      what: 'Reconciler',
      boundedBy: `${worstCase.reconcilerRuns} runs of ${worstCase.reconcilerSeconds} s`,
      usage: lambda(
        worstCase.reconcilerRuns * worstCase.reconcilerSeconds,
        worstCase.reconcilerMemoryMiB,
        worstCase.reconcilerRuns,
      ),
    },
    ...(settings.email ? [mail] : []),
    ...(settings.dataLake ? [lake] : []),
  ];
};

const functionLines = (settings: Settings): readonly WorstDayLine[] => {
  const { resizeMaxConcurrency, slowResizeMaxConcurrency } = settings;
  const memoryMiB = resizeMemoryMiB(settings, 'fast');
  const slowMemoryMiB = resizeMemoryMiB(settings, 'slow');
  return [
    {
      what: 'Resize: all deliveries',
      boundedBy: `\`resizeMaxConcurrency\` ${resizeMaxConcurrency} x 86,400 s x ${number(memoryMiB / 1024)} GB`,
      usage: lambda(resizeMaxConcurrency * secondsPerDay, memoryMiB, amountsOf(settings).deliveries),
    },
    {
      what: 'Resize: the slow lane',
      boundedBy: `\`slowResizeMaxConcurrency\` ${slowResizeMaxConcurrency} x 86,400 s x ${number(slowMemoryMiB / 1024)} GB`,
      usage: lambda(slowResizeMaxConcurrency * secondsPerDay, slowMemoryMiB, 0),
    },
  ];
};

const containerLines = (settings: Settings): readonly WorstDayLine[] => {
  const { ingest, worker } = settings.fargate;
  const cpuSeconds = ingest.maxTasks * Math.min(1, ingest.vcpus) * secondsPerDay;
  const replies = cpuSeconds * worstCase.taskRepliesPerCpuSecond;
  const byIngest = `\`fargate.ingest.maxTasks\` ${ingest.maxTasks}`;
  return [
    {
      what: 'Ingest tasks',
      boundedBy: `${byIngest} x 24 h, on demand`,
      usage: fargate(ingest.maxTasks * hoursPerDay, ingest),
    },
    {
      what: 'Workers, both lanes',
      boundedBy: `\`fargate.worker.maxTasks\` ${worker.maxTasks} x 24 h, on demand`,
      usage: fargate(worker.maxTasks * hoursPerDay, worker),
    },
    {
      what: 'Load balancer: bytes of uploads, including refused ones',
      boundedBy: `${byIngest} x ${number(worstCase.taskBytesPerCpuSecond / million)} MB a second and CPU: an estimate`,
      usage: { loadBalancerBytes: cpuSeconds * worstCase.taskBytesPerCpuSecond },
    },
    {
      what: 'DynamoDB and SNS: links through the load balancer',
      boundedBy: `${byIngest} x ${worstCase.taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      usage: { dynamodbReads: replies, snsEvents: replies },
    },
    {
      what: 'Endpoints, logs and data out: links through the load balancer',
      boundedBy: `${byIngest} x ${worstCase.taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      usage: {
        endpointBytes: replies * worstCase.endpointBytesOfReply,
        logBytes: replies * worstCase.logBytesOfLink,
        dataOutBytes: replies * replyBytesOf(settings),
      },
    },
  ];
};

/** Every line of the worst day, for the mode that the settings choose. */
export const worstDay = (settings: Settings): readonly WorstDayLine[] => [
  ...apiLines(settings),
  ...imageLines(settings),
  ...(settings.compute === 'fargate' ? containerLines(settings) : functionLines(settings)),
];

export const worstDayUsd = (settings: Settings): number => usdOf(totalOf(worstDay(settings)));
