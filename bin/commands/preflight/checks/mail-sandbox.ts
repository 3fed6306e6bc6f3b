import { type Outcome, ok, surprise } from '../outcome.ts';

export interface MailSandboxFacts {
  /** False while the account is in the sandbox of SES. */
  readonly mayMailAnyone: boolean;
  readonly maySend: boolean;
  /** Allowed addresses and domains that SES has not verified. Only read in the sandbox. */
  readonly unverifiedRecipients: readonly string[];
}

/** Whether SES delivers to the recipients that the settings allow. */
export const judgeMailSandbox = ({
  mayMailAnyone,
  maySend,
  unverifiedRecipients,
}: MailSandboxFacts): Outcome => {
  if (!maySend) {
    return surprise(
      'SES has stopped all mail of this account in this region.',
      'Read on the reputation page of SES why, and answer there.',
    );
  }
  if (mayMailAnyone) return ok('The account is out of the sandbox of SES.');
  const sandbox =
    'The account is in the sandbox of SES, which sends 200 mails a day, one a second, and only to verified recipients';
  if (unverifiedRecipients.length === 0) return ok(`${sandbox}. All that the settings allow are verified.`);
  return surprise(
    `${sandbox}. Not verified: ${unverifiedRecipients.join(', ')}.`,
    'Request production access in SES, or verify them.',
  );
};
