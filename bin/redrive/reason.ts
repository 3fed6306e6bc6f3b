import { StartError } from '../../local/start-error.ts';

/** What the person at the keyboard can mend, without a stack; undefined for a mistake of ours. */
export const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof StartError) return error.message;
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (name === 'CredentialsProviderError' || message.startsWith('Region ')) {
    return `${message.replace(/\.$/, '')}. Set AWS_PROFILE, or AWS_REGION and credentials, as for the AWS CLI.`;
  }
  // What AWS answers, and what the network says when nobody does.
  return '$metadata' in error || 'code' in error ? `${name}: ${message}` : undefined;
};
