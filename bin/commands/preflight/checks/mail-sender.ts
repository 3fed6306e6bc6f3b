import { fails, type Outcome, ok, surprise } from '../outcome.ts';

/** An address or a domain in SES. */
export interface Identity {
  readonly isVerified: boolean;
}

export interface MailSenderFacts {
  /** The address that sends. */
  readonly from: string;
  /** Whether the stack creates the identity, or uses one that exists. */
  readonly identity: 'create' | 'existing';
  /** The address in SES; undefined if it is not there. */
  readonly address: Identity | undefined;
  /** Its domain in SES; undefined if it is not there. */
  readonly domain: Identity | undefined;
  /** Whether the address belongs to the stack that is about to be deployed. */
  readonly isOwn: boolean;
}

/** Whether SES can get the sender from the stack, and lets it send. */
export const judgeMailSender = ({ from, identity, address, domain, isOwn }: MailSenderFacts): Outcome => {
  if (identity === 'existing') {
    if (address?.isVerified === true) return ok(`SES has verified ${from}.`);
    if (address === undefined && domain?.isVerified === true)
      return ok(`SES has verified the domain of ${from}.`);
    return surprise(
      `SES has verified neither ${from} nor its domain in this region, so no mail is sent.`,
      'Verify one of them in SES, or set "identity": "create" in the setting email.',
    );
  }
  if (address === undefined) {
    return surprise(
      `The deployment adds ${from} to SES. No mail is sent before the link in SES's mail to it is opened.`,
      `Have someone ready who reads the mail of ${from}: the link works for 24 hours.`,
    );
  }
  if (!isOwn) {
    return fails(
      `SES has the identity ${from} already, and it does not belong to the stack.`,
      'Set "identity": "existing" in the setting email.',
    );
  }
  if (address.isVerified) return ok(`SES has verified ${from}.`);
  return surprise(
    `${from} is not verified, so no mail is sent.`,
    "Open the link in SES's mail to it, or have SES send another one.",
  );
};
