import { type Route, routesOf } from '../../lambdas/ingest/routes.ts';
import { maxRecipientsPerDay } from '../../lambdas/notify/mail-request.ts';
import { sumOf, type Usage, usdOf } from '../../lib/cost/prices.ts';
import { assumed, fargate, httpApi, lambda } from '../../lib/cost/usage.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../../lib/function-memory.ts';
import { documentThrottle } from '../../lib/ingest/upload-api.ts';
import type { Settings } from '../../lib/settings.ts';
import { type CostLine, totalOf } from './image-usage.ts';

/**
 * What one day costs at most, if callers send whatever costs most all day long. Each line is its own worst
 * case, even if two cannot happen together; the sum is an upper bound.
 */
export interface WorstDayLine extends CostLine {
  readonly boundedBy: string;
}

const million = 1_000_000;
const gigabyte = 1_000_000_000;
const secondsPerDay = 86_400;
const hoursPerDay = 24;
const minutesPerDay = 1440;

/**
 * An HTTP API takes no larger body, and charges for bodies that the function refuses (its quotas, "Payload
 * size").
 */
const apiBodyBytes = 10_000_000;
/** An accepted upload waits this long for another upload of the same image, with ten HEADs a second. */
const concurrentUploadSeconds = 3;
const concurrentUploadHeads = 31;
/** A record, a link or the description: one read, one event and a signature. */
const otherSeconds = 0.1;
/** A reply, and the presigned URL of each variant in it. */
const replyBytes = 2000;
const urlBytes = 2000;
/** `/openapi.json`; a test compares it with the real one. */
export const descriptionBytes = 70_000;
/** A queue delivers a message five times, and the slow lane five times again. */
const receives = 10;
/** Sent by S3, moved to the slow lane, moved to the dead letters, deleted; and each delivery. */
const queueRequests = 5;
/** How often the reconciler requests an image again before it gives up. */
const requeues = 4;
const reconcilerRuns = 288;
const reconcilerSeconds = 120;
const reconcilerMemoryMiB = 512;
/** Of each delivery: the record's creation and its end. */
const eventsOfDelivery = 2;
/** A caller that waits for 20 s reads the record this often, and claims and returns its place. */
const readsOfWaiting = 46;
const writesOfWaiting = 4;
/** A record's writes count again for the index. */
const writesOfUpload = 5;
const writesOfDelivery = 2;
const readsOfUpload = 3;
/** A record with one variant, and each further variant. */
const recordBytes = 1000;
const variantBytes = 300;
const logBytesOfRequest = 1500;
const logBytesOfLink = 300;
const logBytesOfUpload = 4800;
const logBytesOfDelivery = 1500;
/** X-Ray traces one request a second and a share of the others. */
const tracesPerDay = secondsPerDay;
/** Of an empty queue by Lambda. */
const pollsPerMinute = 15;
const bytesPerPixel = 4;
const mailBytes = 300_000;
const notifySeconds = 0.3;
const notifyMemoryMiB = 512;
/** Estimates of what a task receives and replies for each CPU, at 9 ms for 2 MB. */
const taskBytesPerCpuSecond = 222_000_000;
const taskRepliesPerCpuSecond = 500;
const endpointBytesOfReply = 3000;

const line = (what: string, boundedBy: string, usage: Usage): WorstDayLine => ({ what, boundedBy, usage });

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** API Gateway counts each method of a path as a route with its own limit. */
const methodsOf = ({ method }: Route, { corsOrigins }: Settings): number =>
  (method === 'GET' ? 2 : 1) + (corsOrigins.length > 0 ? 1 : 0);

/** What callers can cause in a day. */
const amountsOf = (settings: Settings) => {
  const throttled = (perSecond: number, burst: number): number => perSecond * secondsPerDay + burst;
  const uploadRoutes = routesOf(settings).filter(({ method }) => method === 'POST');
  const countOf = (isCounted: (route: Route) => boolean): number =>
    total(
      routesOf(settings)
        .filter(isCounted)
        .map((route) => methodsOf(route, settings)),
    );
  const isDocument = ({ opens }: Route): boolean => opens === 'everyone';
  const documentRoutes = countOf(isDocument);
  const otherRoutes = countOf((route) => route.method !== 'POST' && !isDocument(route));
  const perOtherRoute = throttled(settings.requestsPerSecond, settings.requestBurst);
  const linkRoutes = routesOf(settings).filter(({ opens }) => opens === 'link').length;
  const uploadRequests = uploadRoutes.length * throttled(settings.uploadsPerSecond, settings.uploadBurst);
  // The load balancer does not throttle: only the budget bounds what comes through it.
  const accepted =
    settings.compute === 'fargate'
      ? settings.maxUploadsPerDay
      : Math.min(settings.maxUploadsPerDay, uploadRequests);
  /** Each upload starts one resize; the reconciler starts the rest. */
  const messages = accepted * (1 + requeues);
  const deliveries = messages * receives;
  return {
    uploadRoutes: uploadRoutes.length,
    documentRoutes,
    documentRequests: documentRoutes * throttled(documentThrottle.perSecond, documentThrottle.burst),
    otherRoutes,
    uploadRequests,
    accepted,
    otherRequests: otherRoutes * perOtherRoute,
    /** GETs of links: each is an event. */
    links: linkRoutes * perOtherRoute,
    messages,
    deliveries,
    events: accepted + deliveries * eventsOfDelivery,
  };
};

/** The bytes that are stored by the end of the worst day. */
export const bytesStoredByWorstDay = (settings: Settings): number => {
  const thumbnails = total(
    settings.variants.map(({ width, height, maxAnimationBytes = 0 }) =>
      Math.max(width * height * bytesPerPixel, maxAnimationBytes),
    ),
  );
  return settings.maxUploadBytesPerDay + amountsOf(settings).accepted * thumbnails;
};

const replyBytesOf = ({ variants }: Settings): number => replyBytes + variants.length * urlBytes;

/** What comes through API Gateway, whose function exists in both modes. */
const apiLines = (settings: Settings): readonly WorstDayLine[] => {
  const { uploadRoutes, documentRoutes, otherRoutes, uploadRequests, accepted, links, ...amounts } =
    amountsOf(settings);
  const { documentRequests, otherRequests } = amounts;
  const perUpload = httpApi(apiBodyBytes, uploadRequests);
  const units = (perUpload.apiRequests ?? 0) / uploadRequests;
  const byUploads = `\`uploadsPerSecond\` ${number(settings.uploadsPerSecond)} on each of ${uploadRoutes} routes`;
  const byRequests = `\`requestsPerSecond\` ${number(settings.requestsPerSecond)} on each of ${otherRoutes} routes`;
  return [
    line(
      'HTTP API: uploads and announcements, including refused ones',
      `${byUploads}, ${units} units each`,
      perUpload,
    ),
    line(
      'Ingest: uploads and announcements, including refused ones',
      `${byUploads} x ${assumed.ingestSeconds} s, and \`maxUploadsPerDay\` x ${concurrentUploadSeconds} s`,
      lambda(
        uploadRequests * assumed.ingestSeconds + Math.min(accepted, uploadRequests) * concurrentUploadSeconds,
        ingestMemoryMiB,
        uploadRequests,
      ),
    ),
    line(
      'Ingest: waiting callers',
      `\`maxWaitingCallers\` ${settings.maxWaitingCallers} x 86,400 s x 1 GB`,
      lambda(settings.maxWaitingCallers * secondsPerDay, ingestMemoryMiB, 0),
    ),
    line('DynamoDB: uploads that the budget refuses', `${byUploads}, a write each`, {
      dynamodbWrites: uploadRequests,
    }),
    line('Logs, traces and data out: uploads and announcements', byUploads, {
      logBytes: uploadRequests * logBytesOfRequest,
      traces: uploadRequests * assumed.tracedShare + tracesPerDay,
      dataOutBytes: uploadRequests * replyBytesOf(settings),
    }),
    line(
      'The page, the client and the description, with all that a request costs',
      `${documentThrottle.perSecond} a second on each of ${documentRoutes} routes, and at most ${number(descriptionBytes)} bytes each`,
      sumOf([
        httpApi(0, documentRequests),
        lambda(documentRequests * otherSeconds, ingestMemoryMiB, documentRequests),
        {
          logBytes: documentRequests * logBytesOfRequest,
          traces: documentRequests * assumed.tracedShare,
          dataOutBytes: documentRequests * descriptionBytes,
        },
      ]),
    ),
    line('HTTP API: all other routes', byRequests, httpApi(0, otherRequests)),
    line(
      'Ingest: all other routes',
      `${byRequests} x ${otherSeconds} s`,
      lambda(otherRequests * otherSeconds, ingestMemoryMiB, otherRequests),
    ),
    line(
      'DynamoDB and SNS: all other routes',
      `${byRequests}: a read each, and an event for each GET of a link`,
      { dynamodbReads: otherRequests, snsEvents: links },
    ),
    line('Logs, traces and data out: all other routes', byRequests, {
      logBytes: otherRequests * logBytesOfRequest,
      traces: otherRequests * assumed.tracedShare,
      dataOutBytes: otherRequests * replyBytesOf(settings),
    }),
  ];
};

/** What is done for accepted images in both modes. */
const imageLines = (settings: Settings): readonly WorstDayLine[] => {
  const { accepted, messages, deliveries, events, links } = amountsOf(settings);
  const variants = settings.variants.length;
  const unitsOfRecord = Math.ceil((recordBytes + (variants - 1) * variantBytes) / 1024);
  const writes = writesOfUpload + writesOfWaiting;
  const reads = readsOfUpload + readsOfWaiting;
  const byUploads = `\`maxUploadsPerDay\` ${number(settings.maxUploadsPerDay)}`;
  const mail = line(
    'Mail',
    `${byUploads}, a mail for each, to at most ${maxRecipientsPerDay} people an image; every event is read`,
    sumOf([
      { sesMails: accepted, dataOutBytes: accepted * mailBytes },
      lambda(events * notifySeconds, notifyMemoryMiB, events),
      { sqsRequests: 4 * events, dynamodbWrites: 5 * accepted },
    ]),
  );
  const lake = line('Data lake', 'every event of images and of links', { lakeEvents: events + links });
  return [
    line(
      'S3: accepted uploads',
      `${byUploads}: a PUT and ${concurrentUploadHeads} HEADs each; ${receives} deliveries, each a GET and ${variants} PUT of a thumbnail`,
      {
        s3Puts: accepted + deliveries * variants,
        s3Gets: accepted * concurrentUploadHeads + deliveries + messages,
      },
    ),
    line(
      'S3: what is stored on that day',
      `\`maxUploadBytesPerDay\` ${number(settings.maxUploadBytesPerDay / gigabyte)} GB, and thumbnails of ${bytesPerPixel} bytes a pixel`,
      { s3ByteMonths: bytesStoredByWorstDay(settings) / 30 },
    ),
    line(
      'DynamoDB: accepted uploads',
      `${byUploads}: ${writes} writes and ${reads} reads; each delivery ${writesOfDelivery} writes and a read`,
      {
        dynamodbWrites: unitsOfRecord * (accepted * writes + deliveries * writesOfDelivery),
        dynamodbReads: unitsOfRecord * (accepted * reads + deliveries),
      },
    ),
    line('SQS', `${byUploads}: ${queueRequests} requests and ${receives} deliveries, and polls`, {
      sqsRequests: messages * (queueRequests + receives) + 3 * pollsPerMinute * minutesPerDay,
    }),
    line(
      'SNS: images',
      `${byUploads}: an event each, and ${eventsOfDelivery} with each of ${receives} deliveries`,
      { snsEvents: events },
    ),
    line(
      'Logs and traces: images',
      `${byUploads}: ${receives} deliveries of ${number(logBytesOfDelivery)} bytes`,
      {
        logBytes: accepted * logBytesOfUpload + deliveries * logBytesOfDelivery,
        traces: deliveries * assumed.tracedShare + tracesPerDay,
      },
    ),
    line(
      'Reconciler',
      `${reconcilerRuns} runs of ${reconcilerSeconds} s`,
      lambda(reconcilerRuns * reconcilerSeconds, reconcilerMemoryMiB, reconcilerRuns),
    ),
    ...(settings.email ? [mail] : []),
    ...(settings.dataLake ? [lake] : []),
  ];
};

const functionLines = (settings: Settings): readonly WorstDayLine[] => {
  const { resizeMaxConcurrency, slowResizeMaxConcurrency } = settings;
  const memoryMiB = resizeMemoryMiB(settings, 'fast');
  const slowMemoryMiB = resizeMemoryMiB(settings, 'slow');
  return [
    line(
      'Resize: all deliveries',
      `\`resizeMaxConcurrency\` ${resizeMaxConcurrency} x 86,400 s x ${number(memoryMiB / 1024)} GB`,
      lambda(resizeMaxConcurrency * secondsPerDay, memoryMiB, amountsOf(settings).deliveries),
    ),
    line(
      'Resize: the slow lane',
      `\`slowResizeMaxConcurrency\` ${slowResizeMaxConcurrency} x 86,400 s x ${number(slowMemoryMiB / 1024)} GB`,
      lambda(slowResizeMaxConcurrency * secondsPerDay, slowMemoryMiB, 0),
    ),
  ];
};

const containerLines = (settings: Settings): readonly WorstDayLine[] => {
  const { ingest, worker } = settings.fargate;
  const cpuSeconds = ingest.maxTasks * Math.min(1, ingest.vcpus) * secondsPerDay;
  const replies = cpuSeconds * taskRepliesPerCpuSecond;
  const byIngest = `\`fargate.ingest.maxTasks\` ${ingest.maxTasks}`;
  return [
    line('Ingest tasks', `${byIngest} x 24 h, on demand`, fargate(ingest.maxTasks * hoursPerDay, ingest)),
    line(
      'Workers, both lanes',
      `\`fargate.worker.maxTasks\` ${worker.maxTasks} x 24 h, on demand`,
      fargate(worker.maxTasks * hoursPerDay, worker),
    ),
    line(
      'Load balancer: bytes of uploads, including refused ones',
      `${byIngest} x ${number(taskBytesPerCpuSecond / million)} MB a second and CPU: an estimate`,
      { loadBalancerBytes: cpuSeconds * taskBytesPerCpuSecond },
    ),
    line(
      'DynamoDB and SNS: links through the load balancer',
      `${byIngest} x ${taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      { dynamodbReads: replies, snsEvents: replies },
    ),
    line(
      'Endpoints, logs and data out: links through the load balancer',
      `${byIngest} x ${taskRepliesPerCpuSecond} a second and CPU: an estimate`,
      {
        endpointBytes: replies * endpointBytesOfReply,
        logBytes: replies * logBytesOfLink,
        dataOutBytes: replies * replyBytesOf(settings),
      },
    ),
  ];
};

/** Every line of the worst day, for the mode that the settings choose. */
export const worstDay = (settings: Settings): readonly WorstDayLine[] => [
  ...apiLines(settings),
  ...imageLines(settings),
  ...(settings.compute === 'fargate' ? containerLines(settings) : functionLines(settings)),
];

export const worstDayUsd = (settings: Settings): number => usdOf(totalOf(worstDay(settings)));
