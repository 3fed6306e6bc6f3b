import { ApiMapping, DomainName, SecurityPolicy } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Construct } from 'constructs';
import type { Domain } from './domain.ts';
import type { UploadApi } from './upload-api.ts';

export interface ApiDomainProps {
  readonly domain: Domain;
  readonly api: UploadApi;
}

/**
 * The service's own name for the API. It is there in whichever way the code runs, so that links with that name work
 * before, while and after DNS leads elsewhere.
 */
export class ApiDomain extends Construct {
  /** What a CNAME record of the name is to hold. */
  readonly target: string;

  constructor(scope: Construct, id: string, { domain, api: { api, stage } }: ApiDomainProps) {
    super(scope, id);
    const domainName = new DomainName(this, 'DomainName', {
      domainName: domain.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    // The same paths as without the name: the stage is their first segment.
    new ApiMapping(this, 'Mapping', { api, stage, domainName, apiMappingKey: stage.stageName });
    this.target = domainName.regionalDomainName;
  }
}
