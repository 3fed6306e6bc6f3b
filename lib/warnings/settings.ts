import * as z from 'zod';
import { setting } from '../setting.ts';

/** What `cdk synth` and `cdk deploy` may warn about. */
export const warningIds = ['no-alerts', 'open-api', 'new-account-quotas', 'context-settings'] as const;

export type WarningId = (typeof warningIds)[number];

const rule = `a list of ${warningIds.map((id) => `"${id}"`).join(', ')}`;

export const warningSettings = {
  acknowledgedWarnings: setting(z.array(z.literal(warningIds, `expected ${rule}`)), [], rule).describe(
    'Warnings of `cdk deploy` that you know of and accept; they are no longer shown.',
  ),
};
