import * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { field, objectLike, orNull, setting, wholeNumber } from '../setting.ts';

/** The tag of the service itself, by which its budget finds its costs. */
export const serviceTag = 'Service';

const characters = 'letters, digits, spaces and _.:/=+@-';
const tagNameRule = `a name of 1 to 128 ${characters}, which does not begin with "aws:"`;
const tagValueRule = `a text of 1 to 256 ${characters}`;

/** CloudFormation API Reference, "Tag". CloudFormation takes 50; AWS and this app add some of their own. */
const tagsSchema = z
  .record(
    z.string().regex(/^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/iu),
    z.string(tagValueRule).regex(/^[\p{L}\p{N} _.:/=+@-]{1,256}$/u, tagValueRule),
    { error: ({ code }) => (code === 'invalid_key' ? tagNameRule : 'expected {"Team": "media", …}') },
  )
  .refine((tags) => Object.keys(tags).length <= 40, 'at most 40 tags');

const budgetSchema = objectLike('{"monthlyUsd": 100, "emails": ["me@example.com"]}', {
  monthlyUsd: wholeNumber(1, 10_000_000).describe('What the service may cost in a month, in US dollars.'),
  // A notification has at most ten addresses (AWS Budgets API Reference, "Notification").
  emails: field(z.array(emailAddressSchema).max(10, 'at most 10'), [], 'a list of email addresses').describe(
    'Addresses that get a mail besides those of `alerts`; they need not confirm anything.',
  ),
});

export type BudgetSettings = Readonly<z.output<typeof budgetSchema>>;

export const costSettings = {
  tags: setting(tagsSchema, {}, 'an object such as {"Team": "media"}').describe(
    `Tags of all resources, to find their costs; \`${serviceTag}\` is the name of the stack unless it is given.`,
  ),
  budget: setting(orNull(budgetSchema), null).describe(
    'Alerts when the costs of a month are forecast to reach 80 %, or have reached 100 %; null watches none.',
  ),
};

interface TaggedSettings {
  readonly stackName: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The tags of a deployment's stacks. CloudFormation adds them to each resource that can have tags. */
export const stackTagsOf = ({ stackName, tags }: TaggedSettings) => ({ [serviceTag]: stackName, ...tags });
