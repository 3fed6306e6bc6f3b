import { setTimeout as sleep } from 'node:timers/promises';
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { DeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { createTurns } from '../../../lambdas/runtime/turns.ts';
import { resources } from '../../../local/aws.ts';
import type { AwsClients } from '../../local/aws-clients.ts';
import { type Reply, replySchema } from '../../reply.ts';
import { holds } from '../faults/outcome.ts';
import { idsOfPage, nextOfPage } from './list.ts';
import type { Change } from './model.ts';
import type { Does, End, Plan, Step } from './plan.ts';

export interface TrialImage {
  readonly id: string;
  readonly bytes: Buffer;
}

export interface ClientsProps {
  readonly apiUrl: string;
  readonly aws: AwsClients;
  readonly s3: S3Client;
  readonly deletionRequests: DeletionRequests;
  readonly images: readonly TrialImage[];
  /** Of each owner. @default - callers are anonymous */
  readonly tokens?: readonly string[] | undefined;
  readonly onStep: () => void;
}

export interface ClientsResult {
  /** The changes of each image and each owner, by their numbers. */
  readonly changes: readonly (readonly (readonly Change[])[])[];
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The timeout of API Gateway. */
const answerMilliseconds = 30_000;

/** The lease of a killed worker blocks an image for a minute, and its message another half. */
const acceptMilliseconds = 240_000;

const maxPauseMilliseconds = 3000;

/** Any process may be killed meanwhile, so a reply may be missing. */
const answerOf = async (url: string, init: RequestInit = {}): Promise<Answer | undefined> => {
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
  const { apiUrl, aws, s3, deletionRequests, images, tokens, onStep } = props;
  const owners = tokens?.length ?? 1;
  const changes = images.map(() => Array.from({ length: owners }, (): Change[] => []));
  const counts: Record<string, number> = {};
  const problems: string[] = [];
  /** Presigned uploads that the worker has yet to receive. */
  const arriving: Promise<void>[] = [];
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  const headersOf = (owner: number): Readonly<Record<string, string>> => {
    const token = tokens?.[owner];
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
  };

  const changesOf = (image: number, owner: number): Change[] => {
    const found = changes[image]?.[owner];
    if (found === undefined) throw new RangeError(`There is no image ${image} of owner ${owner}.`);
    return found;
  };

  /** A change that goes on until its end is recorded. */
  const begin = (does: Change['does'], image: number, owner: number) => {
    const change = { does, startedAt: performance.now(), endedAt: Number.POSITIVE_INFINITY };
    changesOf(image, owner).push(change);
    return {
      end: (): void => {
        change.endedAt = performance.now();
      },
      /** It had no effect. */
      undo: (): void => {
        changesOf(image, owner).splice(changesOf(image, owner).indexOf(change), 1);
      },
    };
  };

  /** Asks until a reply is final. Undefined if none was, which is a problem. */
  const settled = async (
    what: string,
    ask: () => Promise<Answer | undefined>,
  ): Promise<Answer | undefined> => {
    const deadline = Date.now() + acceptMilliseconds;
    for (let pause = 250; Date.now() < deadline; pause = Math.min(maxPauseMilliseconds, pause * 2)) {
      const answer = await ask();
      if (answer !== undefined && answer.status < 500) return answer;
      count(`${what} got ${answer?.status ?? 'no reply'}`);
      await sleep(pause);
    }
    problems.push(`${what} got no final reply within ${acceptMilliseconds / 1000} s`);
    return undefined;
  };

  const mailOf = (asksForMail: boolean): Readonly<Record<string, string>> =>
    asksForMail ? { 'X-Notify-Email': 'me@example.com' } : {};

  /** Repeats a refused request without a mail: an image has few recipients in a day. */
  const askWithMail = async (
    what: string,
    asksForMail: boolean,
    ask: (mail: Readonly<Record<string, string>>) => Promise<Answer | undefined>,
  ): Promise<Answer | undefined> => {
    const answer = await settled(what, () => ask(mailOf(asksForMail)));
    const isAboutMail = answer !== undefined && [409, 429].includes(answer.status);
    return isAboutMail && asksForMail ? settled(what, () => ask({})) : answer;
  };

  const upload = async (image: number, owner: number, asksForMail: boolean): Promise<void> => {
    const { id, bytes } = imageAt(image);
    const change = begin('upload', image, owner);
    const answer = await askWithMail('upload', asksForMail, (mail) =>
      answerOf(`${apiUrl}/upload_image`, {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: { ...headersOf(owner), ...mail },
      }),
    );
    if (answer === undefined) return;
    if (answer.status === 200 || answer.status === 202) {
      count('upload');
      return change.end();
    }
    problems.push(`an upload of ${id} was refused: ${answer.status} ${answer.text}`);
  };

  const announce = async (image: number, owner: number, asksForMail: boolean): Promise<Reply | undefined> => {
    const { id, bytes } = imageAt(image);
    const answer = await askWithMail('announcement', asksForMail, (mail) =>
      answerOf(`${apiUrl}/uploads`, {
        method: 'POST',
        body: JSON.stringify({ sha256: id, bytes: bytes.byteLength }),
        headers: { ...headersOf(owner), ...mail },
      }),
    );
    if (answer === undefined) return undefined;
    if (answer.status === 200 || answer.status === 201) return replySchema.parse(JSON.parse(answer.text));
    problems.push(`an announcement of ${id} was refused: ${answer.status} ${answer.text}`);
    return undefined;
  };

  /** @returns whether S3 has the bytes */
  const put = async (image: number, target: NonNullable<Reply['upload']>): Promise<boolean> => {
    const body = new Uint8Array(imageAt(image).bytes);
    const { url, headers } = target;
    const answer = await settled('PUT', () => answerOf(url, { method: 'PUT', body, headers }));
    // 412: a PUT before this one has stored it, and its reply was lost.
    if (answer?.status === 200 || answer?.status === 412) return true;
    if (answer) problems.push(`a PUT of ${imageAt(image).id} was refused: ${answer.status} ${answer.text}`);
    return false;
  };

  /** The worker empties an arrival once it has received it, or has discarded it. */
  const isReceived = async (url: string): Promise<boolean> => {
    const Key = decodeURIComponent(new URL(url).pathname).replace(`/${resources.rawBucket}/`, '');
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: resources.rawBucket, Key }));
    return ContentLength === 0;
  };

  /** Uploads as the owner through S3. The upload goes on until the worker has received it. */
  const uploadPresigned = async (image: number, owner: number, asksForMail: boolean): Promise<void> => {
    const change = begin('upload', image, owner);
    const reply = await announce(image, owner, asksForMail);
    if (reply === undefined) return;
    const { upload: target } = reply;
    if (target === undefined) {
      count('announcement of an own image');
      return change.end();
    }
    if (!(await put(image, target))) return;
    count('presigned upload');
    arriving.push(
      holds(() => isReceived(target.url), acceptMilliseconds).then((isDone) => {
        if (isDone) change.end();
        else problems.push(`an arrival of ${reply.id} was not received`);
      }),
    );
  };

  /** An upload of the same owner may have been under way during a request. */
  const isUploading = (image: number, owner: number, since: number): boolean =>
    changesOf(image, owner).some(({ does, endedAt }) => does === 'upload' && endedAt >= since);

  const deleteOwn = async (image: number, owner: number): Promise<void> => {
    const { id } = imageAt(image);
    const startedAt = performance.now();
    const change = begin('delete', image, owner);
    const headers = headersOf(owner);
    const answer = await settled('DELETE', () =>
      answerOf(`${apiUrl}/images/${id}`, { method: 'DELETE', headers }),
    );
    if (answer === undefined) return;
    change.end();
    count(`DELETE got ${answer.status}`);
    if (answer.status !== 204 && answer.status !== 404) {
      problems.push(`a DELETE of ${id} got ${answer.status} ${answer.text}`);
    }
    const seen = await answerOf(`${apiUrl}/images/${id}`, { headers });
    if (seen?.status === 200 && !isUploading(image, owner, startedAt)) {
      problems.push(`${id} is still seen by owner ${owner}, who has deleted it`);
    }
  };

  /** As the operator's command does. */
  const remove = async (image: number): Promise<void> => {
    const { id } = imageAt(image);
    const begun = Array.from({ length: owners }, (_, owner) => begin('delete', image, owner));
    const record = await aws.catalog.find(id);
    if (record === undefined || (await aws.catalog.startDeletion(record)) === undefined) {
      for (const { undo } of begun) undo();
      return;
    }
    await deletionRequests.send(id);
    for (const { end } of begun) end();
    count('deletion by the operator');
  };

  const visit = async (image: number, owner: number): Promise<void> => {
    const { id } = imageAt(image);
    const answer = await answerOf(`${apiUrl}/thumbnails/${id}`, { headers: headersOf(owner) });
    const status = answer?.status;
    count(`visit got ${status ?? 'no reply'}`);
    if (status !== undefined && ![202, 302, 404, 410, 500, 503].includes(status)) {
      problems.push(`a visit of ${id} got ${status} ${answer?.text}`);
    }
  };

  /** Reads all pages, while the images are uploaded and deleted. */
  const list = async (owner: number): Promise<void> => {
    const listed: string[] = [];
    let url: string | undefined = `${apiUrl}/images?limit=3`;
    for (let pages = 0; url !== undefined && pages < 2 * images.length; pages += 1) {
      const answer = await answerOf(url, { headers: headersOf(owner) });
      if (answer === undefined || answer.status >= 500) {
        count(`list got ${answer?.status ?? 'no reply'}`);
        return;
      }
      if (answer.status !== 200) {
        problems.push(`a list got ${answer.status} ${answer.text}`);
        return;
      }
      listed.push(...idsOfPage(answer.text));
      url = nextOfPage(apiUrl, answer.text);
    }
    count('list');
    if (new Set(listed).size !== listed.length) problems.push(`a list has images twice: ${listed}`);
  };

  const imageAt = (image: number): TrialImage => {
    const found = images[image];
    if (found === undefined) throw new RangeError(`There is no image ${image}.`);
    return found;
  };

  const run = (does: Does, image: number, owner: number, asksForMail = false): Promise<void> => {
    switch (does) {
      case 'upload':
        return upload(image, owner, asksForMail);
      case 'presigned':
        return uploadPresigned(image, owner, asksForMail);
      case 'delete':
        return deleteOwn(image, owner);
      case 'remove':
        return remove(image);
      case 'visit':
        return visit(image, owner);
      case 'list':
        return list(owner);
    }
  };

  const runClient = async (steps: readonly Step[], client: number): Promise<void> => {
    for (const { does, image, asksForMail, pauseMilliseconds } of steps) {
      await sleep(pauseMilliseconds);
      await run(does, image, client % owners, asksForMail);
      onStep();
    }
  };

  const isOver = async (image: number): Promise<boolean> => {
    const state = await aws.catalog.state(imageAt(image).id);
    return state === undefined || state.status === 'deleted';
  };

  const removes = tokens === undefined ? 'remove' : 'delete';
  const end = async (image: number, owner: number, { kind, pauseMilliseconds }: End): Promise<void> => {
    if (kind === 'late') {
      await run(removes, image, owner);
      // S3 accepts no second original, so an anonymous caller gets a URL only for an image that is gone.
      if (tokens === undefined) await holds(() => isOver(image), acceptMilliseconds);
    }
    const announced = kind === 'late' ? await announce(image, owner, false) : undefined;
    await upload(image, owner, false);
    await sleep(pauseMilliseconds);
    if (kind === 'kept') return;
    await run(removes, image, owner);
    if (kind === 'deleted') return;
    if (tokens === undefined) await holds(() => isOver(image), acceptMilliseconds);
    if (announced?.upload === undefined) {
      problems.push(`${imageAt(image).id} got no URL for a late upload`);
    } else if (await put(image, announced.upload)) {
      const { url } = announced.upload;
      count('late PUT');
      if (tokens !== undefined && !(await holds(() => isReceived(url), acceptMilliseconds))) {
        problems.push(`a late arrival of ${imageAt(image).id} was not received`);
      }
    }
  };

  await Promise.all(clients.map(runClient));
  await Promise.all(arriving);
  const inTurn = createTurns(clients.length);
  await Promise.all(
    endings.flatMap((ends, image) => ends.map((ending, owner) => inTurn(() => end(image, owner, ending)))),
  );
  return { changes, counts, problems };
};
