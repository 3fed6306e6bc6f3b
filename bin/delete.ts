import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { isImageId } from '../lambdas/image/id.ts';
import { ownerOfArn, ownerOfCognitoIdentity, ownerOfSubject } from '../lambdas/owners/owner.ts';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { fileProblemOf, readArguments, runCommand, UsageError } from './commands/command.ts';
import { type DeletedImage, deleteImages } from './commands/delete/delete-images.ts';
import { localPlace, type Place, placeOfStack } from './commands/delete/place.ts';
import { type ReleaseImagesProps, releaseImages } from './commands/delete/release-images.ts';
import { createProgress } from './commands/progress.ts';

const usage = `Usage: npm run delete -- [--stack NAME] [--dry-run] [--report FILE] ID...
       npm run delete -- [--stack NAME] [--dry-run] [--report FILE] --ids-from FILE
       npm run delete -- [--stack NAME] [--dry-run] [--report FILE] --issuer ISSUER --subject SUBJECT
       npm run delete -- [--stack NAME] [--dry-run] [--report FILE] --owner-arn ARN
       npm run delete -- [--stack NAME] [--dry-run] [--report FILE] --cognito-identity ID

  ID              the id of an image: 64 hexadecimal digits, the SHA-256 of its bytes
  --ids-from FILE reads the ids from a file, one in each line
  --issuer, --subject
                  takes all images from the owner of tokens with this issuer and this subject (the claim
                  "sub", or the one in the setting auth), and deletes those that no one else owns
  --owner-arn ARN the same for a user or a role of IAM
  --cognito-identity ID
                  the same for an identity of a Cognito identity pool
  --stack NAME    deletes images of this stack, with the region and credentials of the AWS CLI;
                  without it, those of npm start (on PORT if set)
  --report FILE   also writes what was done to a file, as JSON
  --dry-run       says what would be deleted, and changes nothing

Images that are named by id are deleted for all their owners. The command ends once nothing of them is left.
If it is interrupted, run it again. It exits with 0 if every image is deleted, and with 1 if one is not.`;

/** A deletion takes less than a second; the message of a killed worker is delivered again in 6 minutes. */
const waitSeconds = 900;

const linesOf = (file: string): readonly string[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${fileProblemOf(error)}.`);
  }
};

/** @throws UsageError before anything is deleted of which there would be no report */
const requireWritable = (file: string): void => {
  try {
    appendFileSync(file, '');
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${fileProblemOf(error)}.`);
  }
};

interface OwnerOptions {
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly 'owner-arn'?: string | undefined;
  readonly 'cognito-identity'?: string | undefined;
}

/** @returns undefined where the options name none. @throws UsageError when they name one in part, or two */
const ownerOf = (options: OwnerOptions): string | undefined => {
  const { issuer, subject, 'owner-arn': arn, 'cognito-identity': identityId } = options;
  if ((issuer === undefined) !== (subject === undefined)) {
    throw new UsageError(`An owner of tokens has an --issuer and a --subject.\n\n${usage}`);
  }
  if (arn !== undefined && !arn.startsWith('arn:')) {
    throw new UsageError(`${JSON.stringify(arn)} is no ARN.`);
  }
  const [owner, ...others] = [
    issuer === undefined || subject === undefined ? undefined : ownerOfSubject(issuer, subject),
    arn === undefined ? undefined : ownerOfArn(arn),
    identityId === undefined ? undefined : ownerOfCognitoIdentity(identityId),
  ].filter((each) => each !== undefined);
  if (others.length > 0) throw new UsageError(`Name one owner.\n\n${usage}`);
  return owner;
};

/** @throws UsageError naming the first one that is no id */
const idsOf = (given: readonly string[]): readonly string[] => {
  if (given.length === 0) throw new UsageError(`Name at least one image.\n\n${usage}`);
  const wrong = given.find((text) => !isImageId(text));
  if (wrong !== undefined) {
    throw new UsageError(`${JSON.stringify(wrong)} is no id: expected 64 lower-case hexadecimal digits.`);
  }
  return [...new Set(given)];
};

const placeOf = async (stackName: string | undefined): Promise<Place> => {
  if (stackName !== undefined) return placeOfStack(stackName);
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localPlace(ports);
};

/** The images that were taken from an owner. Those that others own as well are kept. */
const release = async (
  { ownerships, ...place }: Place,
  props: Pick<ReleaseImagesProps, 'owner' | 'isDryRun' | 'stopping'>,
): Promise<{ readonly ids: readonly string[]; readonly others: readonly DeletedImage[] }> => {
  if (ownerships === undefined) throw new UsageError('The stack has no owners: its callers are anonymous.');
  const released = await releaseImages({ ...place, ...props, ownerships });
  if (props.isDryRun) return { ids: [], others: released.map((id) => ({ id, result: 'would-release' })) };
  return { ids: released, others: [] };
};

const print = (images: readonly DeletedImage[]): void => {
  for (const { id, result } of images) console.log(`${id} ${result}`);
};

await runCommand(async () => {
  const { values, positionals } = readArguments(usage, {
    allowPositionals: true,
    options: {
      stack: { type: 'string' },
      'ids-from': { type: 'string' },
      issuer: { type: 'string' },
      subject: { type: 'string' },
      'owner-arn': { type: 'string' },
      'cognito-identity': { type: 'string' },
      report: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const file = values['ids-from'];
  const owner = ownerOf(values);
  const named = [...positionals, ...(file === undefined ? [] : linesOf(file))];
  if (owner !== undefined && named.length > 0) throw new UsageError(`Name images or an owner.\n\n${usage}`);
  const namedIds = owner === undefined ? idsOf(named) : [];
  if (values.report !== undefined) requireWritable(values.report);
  const stopping = new AbortController();
  // Handlers stay installed, because npm forwards a Ctrl-C that the terminal already sent here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

  const startedAt = new Date().toISOString();
  const place = await placeOf(values.stack);
  const isDryRun = values['dry-run'];
  const { ids, others } =
    owner === undefined
      ? { ids: namedIds, others: [] }
      : await release(place, { owner, isDryRun, stopping: stopping.signal });
  const progress = createProgress({
    name: 'delete',
    total: ids.length,
    describe: (done) => `${done} of ${ids.length}`,
  });
  let images: readonly DeletedImage[];
  try {
    const deleted = await deleteImages({
      ...place,
      ids,
      ofAllOwners: owner === undefined,
      isDryRun,
      waitSeconds,
      stopping: stopping.signal,
      onProgress: progress.show,
    });
    images = [...others, ...deleted];
  } finally {
    progress.end();
  }
  if (owner !== undefined && images.length === 0) console.error('This owner has no images.');
  print(images);
  if (values.report !== undefined) {
    const report = { stack: values.stack ?? 'npm start', dryRun: isDryRun, startedAt };
    const text = JSON.stringify({ ...report, endedAt: new Date().toISOString(), images }, undefined, 2);
    writeFileSync(values.report, `${text}\n`);
  }
  return images.some(({ result }) => result === 'unfinished') ? 1 : 0;
});
