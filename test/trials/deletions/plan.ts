import type { Random } from '../random.ts';

/**
 * What a client does: `delete` as the owner, `remove` as the operator, `presigned` is an upload straight to
 * S3, `list` reads all pages of the owner's images.
 */
export type Does = 'upload' | 'presigned' | 'delete' | 'remove' | 'visit' | 'list';

/** What one client does with one image. */
export interface Step {
  readonly does: Does;
  /** The number of the image. */
  readonly image: number;
  /** Whether an upload asks for a mail. */
  readonly asksForMail: boolean;
  readonly pauseMilliseconds: number;
}

export const roles = ['ingest', 'resize', 'delete'] as const;
export type Role = (typeof roles)[number];

export interface Kill {
  readonly role: Role;
  /** After so many operations. */
  readonly operations: number;
}

/**
 * How an image and an owner end: `kept`, `deleted`, or `late`: deleted, and then the owner sends the bytes
 * to a presigned URL of before.
 */
const endings = ['kept', 'deleted', 'late'] as const;
/** Of an image that no one keeps. */
const lastEndings = ['deleted', 'late'] as const;

export interface End {
  readonly kind: (typeof endings)[number];
  /** From the reply to the upload to the deletion. */
  readonly pauseMilliseconds: number;
}

export interface Plan {
  /** The steps of each client, one after the other. */
  readonly clients: readonly (readonly Step[])[];
  readonly kills: readonly Kill[];
  /** After all steps, for each image and each owner. */
  readonly endings: readonly (readonly End[])[];
}

export interface PlanProps {
  readonly operations: number;
  readonly images: number;
  readonly clients: number;
  readonly kills: number;
  /** @default - callers are anonymous: one owner, for whom only the operator deletes */
  readonly owners?: number;
}

type Weights = Readonly<Partial<Record<Does, number>>>;
const anonymousWeights: Weights = { upload: 5, remove: 3, visit: 2 };
const knownWeights: Weights = { upload: 3, presigned: 3, delete: 4, remove: 0.3, visit: 1, list: 1 };

const pickWeighted = (random: Random, weights: Weights): Does => {
  const all: readonly Does[] = ['upload', 'presigned', 'delete', 'remove', 'visit', 'list'];
  let left = random.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const does of all) {
    left -= weights[does] ?? 0;
    if (left < 0) return does;
  }
  return 'visit';
};

/** The same seed gives the same plan. How its steps interleave depends on the machine. */
export const createPlan = (random: Random, props: PlanProps): Plan => {
  const { operations, images, clients, kills, owners } = props;
  const stepOf = (): Step => ({
    does: pickWeighted(random, owners === undefined ? anonymousWeights : knownWeights),
    image: random.whole(0, images - 1),
    asksForMail: random.next() < 0.2,
    pauseMilliseconds: random.whole(0, 300),
  });
  return {
    clients: Array.from({ length: clients }, (_, client) =>
      Array.from({ length: Math.ceil((operations - client) / clients) }, stepOf),
    ),
    endings: Array.from({ length: images }, () => {
      const isKept = random.next() < 0.5;
      return Array.from({ length: owners ?? 1 }, () => ({
        kind: isKept ? random.pick(endings) : random.pick(lastEndings),
        pauseMilliseconds: random.whole(0, 200),
      }));
    }),
    kills: Array.from({ length: kills }, () => ({
      role: random.pick(roles),
      operations: random.whole(0, operations - 1),
    })),
  };
};
