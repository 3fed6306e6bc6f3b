import { routes } from '../../lambdas/ingest/routes.ts';
import { maxRecipientsPerDay } from '../../lambdas/notify/mail-request.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../resize/function-memory.ts';
import type { Settings } from '../settings.ts';
import { prices } from './prices.ts';

/**
 * What one day costs at most if somebody sends, all day long, whatever costs most: what each line is bounded
 * by, and US dollars. Each line has its own worst case, also where two of them exclude each other, so the sum
 * is a bound and no forecast.
 */
export interface WorstDayRow {
  readonly what: string;
  readonly boundedBy: string;
  readonly usd: number;
}

const thousand = 1000;
const million = 1_000_000;
const gigabyte = 1_000_000_000;
const secondsPerDay = 86_400;
const hoursPerDay = 24;
const minutesPerDay = 1440;

/** A request counts once more for each of these (API Gateway pricing, "HTTP APIs"). */
const apiUnitBytes = 512 * 1024;

/** What the worst day assumes, and where each figure is from. */
export const worstDayAssumptions = {
  /**
   * An HTTP API takes no larger body, and charges for it even where the function does not (quotas of HTTP
   * APIs, "Payload size").
   */
  apiBodyBytes: 10_000_000,
  /** A full body of 4.7 MB (docs/cost.md). */
  ingestSeconds: 0.3,
  /** Added for an accepted upload, which waits for one of the same image elsewhere to store its bytes. */
  concurrentUploadSeconds: 3,
  /** It looks ten times a second. */
  concurrentUploadHeads: 31,
  /** A record, a link or the description: one read, one event and a signature. */
  otherSeconds: 0.1,
  /** What leaves with a reply: a presigned URL is 2 KB at most, and there is one for each variant. */
  urlBytes: 2000,
  replyBytes: 2000,
  /** `/openapi.json`; a test compares it with the real one. */
  descriptionBytes: 60_000,
  /** A queue delivers a message five times, and the slow lane five times again. */
  receives: 10,
  /** Sent by S3, moved to the slow lane, set aside, deleted; and each delivery. */
  queueRequests: 5,
  /** How often the reconciler requests an image again before it is given up. */
  requeues: 4,
  /** The reconciler runs every five minutes. */
  reconcilerRuns: 288,
  reconcilerSeconds: 120,
  reconcilerMemoryMiB: 512,
  /** One for the record's creation, and one for its end; each as often as a message is delivered. */
  eventsOfDelivery: 2,
  /** A caller that waits for 20 s looks 46 times. */
  readsOfWaiting: 46,
  /** In one request a function looks for a place to wait in three times at most, and gives it back. */
  writesOfWaiting: 4,
  /** An upload: its request, its record; each counts once more in the catalog's index. */
  writesOfUpload: 5,
  /** A delivery: its record's end, once more in the index. */
  writesOfDelivery: 2,
  readsOfUpload: 3,
  /** A record has 1 KB at most with one variant, and 300 bytes more for each other. */
  recordBytes: 1000,
  variantBytes: 300,
  /** The lines of API and function about a request, and about a delivery. */
  logBytesOfRequest: 1500,
  logBytesOfUpload: 4800,
  logBytesOfDelivery: 1500,
  tracedShare: 0.05,
  /** Lambda asks each queue so often while it is empty (docs/cost.md). */
  pollsPerMinute: 15,
  /** A thumbnail is no larger than its pixels. */
  bytesPerPixel: 4,
  mailBytes: 300_000,
  notifySeconds: 0.3,
  notifyMemoryMiB: 512,
  /** What the lake adds for an event (docs/data-lake.md). */
  lakeUsdOfMillionEvents: 0.62,
  /**
   * A task takes in 2 MB with 9 ms of its CPU (docs/cost.md), and answers 500 links a second: estimates, and
   * no limits.
   */
  taskBytesPerCpuSecond: 222_000_000,
  taskRepliesPerCpuSecond: 500,
  endpointBytesOfReply: 3000,
} as const;

const assumptions = worstDayAssumptions;

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });

/** For so many seconds, and so many calls. */
const lambda = (seconds: number, memoryMiB: number, calls: number): number =>
  seconds * (memoryMiB / 1024) * prices.lambdaGigabyteSecond + (calls * prices.lambdaMillionCalls) / million;

const logs = (bytes: number): number => (bytes * prices.logsGigabyte) / gigabyte;
const dataOut = (bytes: number): number => (bytes * prices.dataOutGigabyte) / gigabyte;

/** API Gateway counts GET and HEAD as two routes, each with its own limit. */
const methodsOf = ({ method }: { readonly method: string }): number => (method === 'GET' ? 2 : 1);

/** What callers can make happen in a day. */
const amountsOf = (settings: Settings) => {
  const throttled = (perSecond: number, burst: number): number => perSecond * secondsPerDay + burst;
  const uploadRoutes = Object.values(routes).filter(({ method }) => method === 'POST');
  const otherRoutes = Object.values(routes).filter(({ method }) => method !== 'POST');
  const perOtherRoute = throttled(settings.requestsPerSecond, settings.requestBurst);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const uploadRequests = uploadRoutes.length * throttled(settings.uploadsPerSecond, settings.uploadBurst);
  const isContainers = settings.compute === 'fargate';
  // The load balancer throttles nobody: what comes through it uses up the budget as well.
  const accepted = isContainers
    ? settings.maxUploadsPerDay
    : Math.min(settings.maxUploadsPerDay, uploadRequests);
  return {
    uploadRoutes: uploadRoutes.length,
    otherRoutes: sum(otherRoutes.map(methodsOf)),
    uploadRequests,
    accepted,
    otherRequests: sum(otherRoutes.map((route) => methodsOf(route) * perOtherRoute)),
    /** GETs of links: each is an event. */
    links: otherRoutes.filter(({ opens }) => opens === 'link').length * perOtherRoute,
    descriptions: otherRoutes.filter(({ opens }) => opens === 'description').length * perOtherRoute,
    /**
     * Each upload starts one resize, of new bytes or of an image that was given up on; the reconciler starts
     * the rest.
     */
    messages: accepted * (1 + assumptions.requeues),
  };
};

/** What is stored by the end of the worst day, and what that costs for each month that it is kept. */
export const storedByWorstDay = (
  settings: Settings,
): { readonly bytes: number; readonly usdPerMonth: number } => {
  const { accepted } = amountsOf(settings);
  const pixels = settings.variants.reduce((total, { width, height }) => total + width * height, 0);
  const bytes = settings.maxUploadBytesPerDay + accepted * pixels * assumptions.bytesPerPixel;
  return { bytes, usdPerMonth: (bytes * prices.s3GigabyteMonth) / gigabyte };
};

/** What is done for images that were accepted, whatever resizes them. */
const imageRows = (settings: Settings): readonly WorstDayRow[] => {
  const { accepted, messages } = amountsOf(settings);
  const variants = settings.variants.length;
  const deliveries = messages * assumptions.receives;
  const recordUnits = Math.ceil((assumptions.recordBytes + (variants - 1) * assumptions.variantBytes) / 1024);
  const events = accepted + deliveries * assumptions.eventsOfDelivery;
  const byUploads = `\`maxUploadsPerDay\` ${number(settings.maxUploadsPerDay)}`;
  return [
    {
      what: 'S3, accepted uploads',
      boundedBy: `${byUploads}: a PUT and ${assumptions.concurrentUploadHeads} HEADs each; ${assumptions.receives} deliveries, each a GET and ${variants} PUT of a thumbnail`,
      usd:
        ((accepted + deliveries * variants) * prices.s3ThousandPuts +
          (accepted * assumptions.concurrentUploadHeads + deliveries + messages) * prices.s3ThousandGets) /
        thousand,
    },
    {
      what: 'S3, what is stored on that day',
      boundedBy: `\`maxUploadBytesPerDay\` ${number(settings.maxUploadBytesPerDay / gigabyte)} GB, and thumbnails of ${assumptions.bytesPerPixel} bytes a pixel`,
      usd: storedByWorstDay(settings).usdPerMonth / 30,
    },
    {
      what: 'DynamoDB, accepted uploads',
      boundedBy: `${byUploads}: ${assumptions.writesOfUpload + assumptions.writesOfWaiting} writes and ${assumptions.readsOfUpload + assumptions.readsOfWaiting} reads; each delivery ${assumptions.writesOfDelivery} writes and a read`,
      usd:
        (recordUnits *
          (accepted * (assumptions.writesOfUpload + assumptions.writesOfWaiting) +
            deliveries * assumptions.writesOfDelivery) *
          prices.dynamodbMillionWrites +
          recordUnits *
            (accepted * (assumptions.readsOfUpload + assumptions.readsOfWaiting) + deliveries) *
            prices.dynamodbMillionReads) /
        million,
    },
    {
      what: 'SQS',
      boundedBy: `${byUploads}: ${assumptions.queueRequests} requests and ${assumptions.receives} deliveries, and polls`,
      usd:
        ((messages * (assumptions.queueRequests + assumptions.receives) +
          3 * assumptions.pollsPerMinute * minutesPerDay) *
          prices.sqsMillionRequests) /
        million,
    },
    {
      what: 'SNS, images',
      boundedBy: `${byUploads}: an event each, and ${assumptions.eventsOfDelivery} with each of ${assumptions.receives} deliveries`,
      usd: (events * prices.snsMillionEvents) / million,
    },
    {
      what: 'Logs and traces of the work on images',
      boundedBy: `${byUploads}: ${assumptions.receives} deliveries of ${number(assumptions.logBytesOfDelivery)} bytes`,
      usd:
        logs(accepted * assumptions.logBytesOfUpload + deliveries * assumptions.logBytesOfDelivery) +
        ((deliveries * assumptions.tracedShare + secondsPerDay) * prices.xrayMillionTraces) / million,
    },
    {
      what: 'Reconciler',
      boundedBy: `${assumptions.reconcilerRuns} runs of ${assumptions.reconcilerSeconds} s`,
      usd: lambda(
        assumptions.reconcilerRuns * assumptions.reconcilerSeconds,
        assumptions.reconcilerMemoryMiB,
        assumptions.reconcilerRuns,
      ),
    },
    ...(settings.email
      ? [
          {
            what: 'Mail',
            boundedBy: `${byUploads}, a mail for each, to ${maxRecipientsPerDay} people an image at most; every event is looked at`,
            usd:
              (accepted * prices.sesThousandMails) / thousand +
              dataOut(accepted * assumptions.mailBytes) +
              lambda(events * assumptions.notifySeconds, assumptions.notifyMemoryMiB, events) +
              (events * 4 * prices.sqsMillionRequests + 5 * accepted * prices.dynamodbMillionWrites) /
                million,
          },
        ]
      : []),
    ...(settings.dataLake
      ? [
          {
            what: 'Data lake',
            boundedBy: 'every event of images and of links',
            usd: ((events + amountsOf(settings).links) * assumptions.lakeUsdOfMillionEvents) / million,
          },
        ]
      : []),
  ];
};

/** What comes in through API Gateway, whose function there is in both modes. */
const apiRows = (settings: Settings): readonly WorstDayRow[] => {
  const { uploadRoutes, otherRoutes, uploadRequests, accepted, otherRequests, links, descriptions } =
    amountsOf(settings);
  const units = Math.ceil(assumptions.apiBodyBytes / apiUnitBytes);
  const byUploads = `\`uploadsPerSecond\` ${number(settings.uploadsPerSecond)} on each of ${uploadRoutes} routes`;
  const byRequests = `\`requestsPerSecond\` ${number(settings.requestsPerSecond)} on each of ${otherRoutes} routes`;
  const replyBytes = assumptions.replyBytes + settings.variants.length * assumptions.urlBytes;
  return [
    {
      what: 'HTTP API, uploads and announcements, refused ones included',
      boundedBy: `${byUploads}, ${units} units each`,
      usd: (uploadRequests * units * prices.apiMillionRequests) / million,
    },
    {
      what: 'Ingest, uploads and announcements, refused ones included',
      boundedBy: `${byUploads} x ${assumptions.ingestSeconds} s, and \`maxUploadsPerDay\` x ${assumptions.concurrentUploadSeconds} s`,
      usd: lambda(
        uploadRequests * assumptions.ingestSeconds +
          Math.min(accepted, uploadRequests) * assumptions.concurrentUploadSeconds,
        ingestMemoryMiB,
        uploadRequests,
      ),
    },
    {
      what: 'Ingest, callers that wait',
      boundedBy: `\`maxWaitingCallers\` ${settings.maxWaitingCallers} x 86,400 s x 1 GB`,
      usd: lambda(settings.maxWaitingCallers * secondsPerDay, ingestMemoryMiB, 0),
    },
    {
      what: 'DynamoDB, uploads that the budget refuses',
      boundedBy: `${byUploads}, a write each`,
      usd: (uploadRequests * prices.dynamodbMillionWrites) / million,
    },
    {
      what: 'Logs, traces and data out, uploads and announcements',
      boundedBy: byUploads,
      usd:
        logs(uploadRequests * assumptions.logBytesOfRequest) +
        ((uploadRequests * assumptions.tracedShare + secondsPerDay) * prices.xrayMillionTraces) / million +
        dataOut(uploadRequests * replyBytes),
    },
    {
      what: 'HTTP API, all other routes',
      boundedBy: byRequests,
      usd: (otherRequests * prices.apiMillionRequests) / million,
    },
    {
      what: 'Ingest, all other routes',
      boundedBy: `${byRequests} x ${assumptions.otherSeconds} s`,
      usd: lambda(otherRequests * assumptions.otherSeconds, ingestMemoryMiB, otherRequests),
    },
    {
      what: 'DynamoDB and SNS, all other routes',
      boundedBy: `${byRequests}: a read each, and an event for each GET of a link`,
      usd: (otherRequests * prices.dynamodbMillionReads + links * prices.snsMillionEvents) / million,
    },
    {
      what: 'Logs, traces and data out, all other routes',
      boundedBy: `${byRequests}; \`/openapi.json\` has ${number(assumptions.descriptionBytes)} bytes`,
      usd:
        logs(otherRequests * assumptions.logBytesOfRequest) +
        (otherRequests * assumptions.tracedShare * prices.xrayMillionTraces) / million +
        dataOut((otherRequests - descriptions) * replyBytes + descriptions * assumptions.descriptionBytes),
    },
  ];
};

const functionRows = (settings: Settings): readonly WorstDayRow[] => {
  const { resizeMaxConcurrency, slowResizeMaxConcurrency } = settings;
  const limits = settings;
  const memoryMiB = resizeMemoryMiB(limits, 'fast');
  const slowMemoryMiB = resizeMemoryMiB(limits, 'slow');
  const { messages } = amountsOf(settings);
  return [
    {
      what: 'Resize, whatever is delivered how often',
      boundedBy: `\`resizeMaxConcurrency\` ${resizeMaxConcurrency} x 86,400 s x ${number(memoryMiB / 1024)} GB`,
      usd: lambda(resizeMaxConcurrency * secondsPerDay, memoryMiB, messages * assumptions.receives),
    },
    {
      what: 'Resize, the slow lane',
      boundedBy: `\`slowResizeMaxConcurrency\` ${slowResizeMaxConcurrency} x 86,400 s x ${number(slowMemoryMiB / 1024)} GB`,
      usd: lambda(slowResizeMaxConcurrency * secondsPerDay, slowMemoryMiB, 0),
    },
  ];
};

const containerRows = (settings: Settings): readonly WorstDayRow[] => {
  const { ingest, worker } = settings.fargate;
  const forDay = ({ maxTasks, vcpus, memoryMiB }: typeof ingest | typeof worker): number =>
    maxTasks *
    hoursPerDay *
    (vcpus * prices.fargateVcpuHour + (memoryMiB / 1024) * prices.fargateGigabyteHour);
  const cpus = ingest.maxTasks * Math.min(1, ingest.vcpus);
  const replies = cpus * assumptions.taskRepliesPerCpuSecond * secondsPerDay;
  const replyBytes = assumptions.replyBytes + settings.variants.length * assumptions.urlBytes;
  const byIngest = `\`fargate.ingest.maxTasks\` ${ingest.maxTasks}`;
  return [
    { what: 'Ingest tasks', boundedBy: `${byIngest} x 24 h, on demand`, usd: forDay(ingest) },
    {
      what: 'Workers, both lanes',
      boundedBy: `\`fargate.worker.maxTasks\` ${worker.maxTasks} x 24 h, on demand`,
      usd: forDay(worker),
    },
    {
      what: 'Load balancer: bytes of uploads, refused ones included',
      boundedBy: `${byIngest} x ${number(assumptions.taskBytesPerCpuSecond / million)} MB a second and CPU: an estimate`,
      usd:
        (cpus * assumptions.taskBytesPerCpuSecond * secondsPerDay * prices.loadBalancerGigabyte) / gigabyte,
    },
    {
      what: 'DynamoDB and SNS, links through the load balancer',
      boundedBy: `${byIngest} x ${assumptions.taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      usd: (replies * (prices.dynamodbMillionReads + prices.snsMillionEvents)) / million,
    },
    {
      what: 'Endpoints, logs and data out, links through the load balancer',
      boundedBy: `${byIngest} x ${assumptions.taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      usd:
        (replies * assumptions.endpointBytesOfReply * prices.endpointGigabyte) / gigabyte +
        logs(replies * (assumptions.logBytesOfRequest / 5)) +
        dataOut(replies * replyBytes),
    },
  ];
};

/** Every line of the worst day, for the mode that the settings choose. */
export const worstDay = (settings: Settings): readonly WorstDayRow[] => [
  ...apiRows(settings),
  ...imageRows(settings),
  ...(settings.compute === 'fargate' ? containerRows(settings) : functionRows(settings)),
];

export const worstDayTotal = (settings: Settings): number =>
  worstDay(settings).reduce((total, { usd }) => total + usd, 0);
