import { setTimeout as sleep } from 'node:timers/promises';
import type { DeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { createTurns } from '../../../lambdas/runtime/turns.ts';
import type { AwsClients } from '../../local/aws-clients.ts';
import type { Change } from './model.ts';
import type { Plan, Step } from './plan.ts';

export interface TrialImage {
  readonly id: string;
  readonly bytes: Buffer;
}

export interface ClientsProps {
  readonly apiUrl: string;
  readonly aws: AwsClients;
  readonly deletionRequests: DeletionRequests;
  readonly images: readonly TrialImage[];
  readonly onStep: () => void;
}

export interface ClientsResult {
  /** The changes of each image, by its number. */
  readonly changes: readonly (readonly Change[])[];
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

/** The timeout of API Gateway. */
const answerMilliseconds = 30_000;

/** The lease of a killed worker blocks an image for a minute. */
const acceptMilliseconds = 150_000;

const maxPauseMilliseconds = 3000;

/** Any process may be killed meanwhile, so a reply may be missing. */
const answerOf = async (url: string, init: RequestInit = {}) => {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMilliseconds),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
};

/** Clients that upload, delete and visit the same images, all at the same time, and then end each image. */
export const runClients = async ({ clients, endings }: Plan, props: ClientsProps): Promise<ClientsResult> => {
  const { apiUrl, aws, deletionRequests, images, onStep } = props;
  const changes = images.map((): Change[] => []);
  const counts: Record<string, number> = {};
  const problems: string[] = [];
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  /** @returns whether it was accepted */
  const upload = async ({ id, bytes }: TrialImage, asksForMail: boolean): Promise<boolean> => {
    const deadline = Date.now() + acceptMilliseconds;
    for (let pause = 250; Date.now() < deadline; pause = Math.min(maxPauseMilliseconds, pause * 2)) {
      const answer = await answerOf(`${apiUrl}/upload_image`, {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: asksForMail ? { 'X-Notify-Email': 'me@example.com' } : {},
      });
      const status = answer?.status;
      if (status === 200 || status === 202) return true;
      count(`upload got ${status ?? 'no reply'}`);
      const isOverLimit = answer?.text.includes('too-many-recipients') === true;
      if (isOverLimit) return upload({ id, bytes }, false);
      if (status !== undefined && status < 500) {
        problems.push(`an upload of ${id} was refused: ${status} ${answer?.text}`);
        return false;
      }
      await sleep(pause);
    }
    problems.push(`${id} was not accepted within ${acceptMilliseconds / 1000} s`);
    return false;
  };

  /** As the operator's command does. @returns whether there was something to delete */
  const remove = async ({ id }: TrialImage): Promise<boolean> => {
    const record = await aws.catalog.find(id);
    if (record === undefined || (await aws.catalog.startDeletion(record)) === undefined) return false;
    await deletionRequests.send(id);
    return true;
  };

  const visit = async ({ id }: TrialImage): Promise<void> => {
    const answer = await answerOf(`${apiUrl}/thumbnails/${id}`);
    const status = answer?.status;
    count(`visit got ${status ?? 'no reply'}`);
    if (status !== undefined && ![202, 302, 404, 410, 500, 503].includes(status)) {
      problems.push(`a visit of ${id} got ${status} ${answer?.text}`);
    }
  };

  const run = async ({
    does,
    image: number,
    asksForMail,
  }: Omit<Step, 'pauseMilliseconds'>): Promise<void> => {
    const image = images[number];
    if (image === undefined) throw new RangeError(`There is no image ${number}.`);
    if (does === 'visit') return visit(image);
    const startedAt = performance.now();
    const isDone = await (does === 'upload' ? upload(image, asksForMail) : remove(image));
    if (!isDone) return;
    count(does);
    changes[number]?.push({ does, startedAt, endedAt: performance.now() });
  };

  const runClient = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) {
      await sleep(step.pauseMilliseconds);
      await run(step);
      onStep();
    }
  };
  await Promise.all(clients.map(runClient));
  const inTurn = createTurns(clients.length);
  await Promise.all(
    endings.map(({ isDeleted, pauseMilliseconds }, image) =>
      inTurn(async () => {
        await run({ does: 'upload', image, asksForMail: false });
        await sleep(pauseMilliseconds);
        if (isDeleted) await run({ does: 'delete', image, asksForMail: false });
      }),
    ),
  );
  return { changes, counts, problems };
};
