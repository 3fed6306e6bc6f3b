import type { Domain } from '../../../../lib/ingest/domain.ts';
import { fails, type Outcome, ok, surprise } from '../outcome.ts';

export interface Certificate {
  /** Such as ISSUED. */
  readonly status: string;
  /** All names that it is for. `*` stands for one label. */
  readonly names: readonly string[];
  readonly expiresAt: Date | undefined;
  /** ACM renews what it issued itself, as long as the certificate is used. */
  readonly isRenewed: boolean;
}

export interface CertificateFacts {
  readonly domain: Domain;
  readonly account: string;
  readonly region: string;
  /** Undefined if there is none with this ARN. */
  readonly certificate: Certificate | undefined;
  readonly now: Date;
}

const daysBeforeExpiry = 45;

/** @returns what is wrong with the ARN; undefined if the certificate is worth looking at */
export const judgeCertificateArn = ({
  domain,
  account,
  region,
}: Pick<CertificateFacts, 'domain' | 'account' | 'region'>): Outcome | undefined => {
  const [, , , ownRegion = '', ownAccount = ''] = domain.certificateArn.split(':');
  if (ownRegion !== region) {
    return fails(
      `The certificate is in ${ownRegion}, and the stack in ${region}.`,
      `Request one in ${region}, or deploy to ${ownRegion}: API Gateway takes a certificate of its own region only.`,
    );
  }
  if (ownAccount !== account) {
    return fails(
      `The certificate belongs to account ${ownAccount}, and these credentials to ${account}.`,
      'Use a certificate of this account, or the credentials of the other.',
    );
  }
  return undefined;
};

/** Whether the certificate can be used for the domain. */
export const judgeCertificate = (facts: CertificateFacts): Outcome => {
  const { domain, certificate, now } = facts;
  const wrongArn = judgeCertificateArn(facts);
  if (wrongArn !== undefined) return wrongArn;
  if (certificate === undefined) {
    return fails(`There is no certificate ${domain.certificateArn}.`, 'Correct domain.certificateArn.');
  }
  const { status, names, expiresAt, isRenewed } = certificate;
  if (status !== 'ISSUED') {
    return fails(
      `The certificate is in state ${status}.`,
      status === 'PENDING_VALIDATION'
        ? 'Add the DNS record that ACM shows for it, then wait until it is ISSUED.'
        : 'Request another one in ACM.',
    );
  }
  if (!names.some((name) => covers(name, domain.name))) {
    return fails(
      `The certificate is for ${names.join(', ')}, not for ${domain.name}.`,
      `Request one for ${domain.name} in ACM.`,
    );
  }
  if (expiresAt === undefined) return ok(`The certificate for ${domain.name} is issued.`);
  const until = expiresAt.toISOString().slice(0, 10);
  const finding = `The certificate for ${domain.name} is valid until ${until}`;
  if (isRenewed || expiresAt.getTime() - now.getTime() > daysBeforeExpiry * 86_400_000) {
    return ok(`${finding}${isRenewed ? ', and ACM renews it' : ''}.`);
  }
  return surprise(`${finding}, and ACM does not renew it.`, 'Import its successor in time.');
};

/** A wildcard stands for exactly one label (RFC 6125, 6.4.3). */
const covers = (name: string, domainName: string): boolean =>
  name === domainName ||
  (name.startsWith('*.') && domainName.slice(domainName.indexOf('.') + 1) === name.slice(2));
