import type { Random } from '../random.ts';

/** What one client does with one image. */
export interface Step {
  readonly does: 'upload' | 'delete' | 'visit';
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
  /** After the previous kill. */
  readonly pauseMilliseconds: number;
}

export interface End {
  readonly isDeleted: boolean;
  /** From the reply to the upload to the deletion. */
  readonly pauseMilliseconds: number;
}

export interface Plan {
  /** The steps of each client, one after the other. */
  readonly clients: readonly (readonly Step[])[];
  readonly kills: readonly Kill[];
  /** After all steps, each image is uploaded and, in half of the cases, deleted while it may be resized. */
  readonly endings: readonly End[];
}

export interface PlanProps {
  readonly operations: number;
  readonly images: number;
  readonly clients: number;
  readonly kills: number;
}

/** Each is as likely as it is often. */
const steps: readonly Step['does'][] = [
  'upload',
  'upload',
  'upload',
  'upload',
  'upload',
  'delete',
  'delete',
  'delete',
  'visit',
  'visit',
];

/** The same seed gives the same plan. How its steps interleave depends on the machine. */
export const createPlan = (random: Random, { operations, images, clients, kills }: PlanProps): Plan => {
  const stepOf = (): Step => ({
    does: random.pick(steps),
    image: random.whole(0, images - 1),
    asksForMail: random.next() < 0.2,
    pauseMilliseconds: random.whole(0, 300),
  });
  return {
    clients: Array.from({ length: clients }, (_, client) =>
      Array.from({ length: Math.ceil((operations - client) / clients) }, stepOf),
    ),
    endings: Array.from({ length: images }, () => ({
      isDeleted: random.next() < 0.5,
      pauseMilliseconds: random.whole(0, 200),
    })),
    kills: Array.from({ length: kills }, () => ({
      role: random.pick(roles),
      pauseMilliseconds: random.whole(300, 1200),
    })),
  };
};
