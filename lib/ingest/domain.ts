import * as z from 'zod';
import { matching } from '../setting.ts';

const shape = '{"name": "images.example.com", "certificateArn": "arn:aws:acm:…"}';

/** The service's own domain name, and its certificate in ACM in the region of the stack. */
export const domainSchema = z
  .strictObject(
    {
      name: matching(
        /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
        'a name such as images.example.com',
      ),
      certificateArn: matching(
        /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/,
        'arn:aws:acm:<region>:<account>:certificate/…',
      ),
    },
    { error: ({ code }) => (code === 'invalid_type' ? `expected null or ${shape}` : undefined) },
  )
  .nullable()
  .meta({ rule: `null or ${shape}` });

export type Domain = NonNullable<Readonly<z.output<typeof domainSchema>>>;
