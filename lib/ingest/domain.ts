import type * as z from 'zod';
import { matching, objectLike, orNull } from '../setting.ts';

const schema = objectLike('{"name": "images.example.com", "certificateArn": "arn:aws:acm:…"}', {
  name: matching(
    /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    'a name such as images.example.com',
  ),
  certificateArn: matching(
    /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/,
    'arn:aws:acm:<region>:<account>:certificate/…',
  ),
});

/** The service's own domain name, and its certificate in ACM in the region of the stack. */
export type Domain = Readonly<z.output<typeof schema>>;

export const domainSchema = orNull(schema);
