import { ApiMapping, DomainName, SecurityPolicy } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Construct } from 'constructs';
import type { UploadApi } from './upload-api.ts';

export interface ApiDomainProps {
  readonly domainName: string;
  /** Of a certificate of ACM for that name, in the region of the stack. */
  readonly certificateArn: string;
  readonly api: UploadApi;
}

/**
 * A custom domain name for the API. It exists with functions and containers alike, so that links with that
 * name work before, during and after a change of the DNS record.
 */
export class ApiDomain extends Construct {
  /** The value of a CNAME record for the name. */
  readonly target: string;

  constructor(scope: Construct, id: string, props: ApiDomainProps) {
    super(scope, id);
    const { api, stage } = props.api;
    const domainName = new DomainName(this, 'DomainName', {
      domainName: props.domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', props.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    // The same paths as without the name: the stage is their first segment.
    new ApiMapping(this, 'Mapping', { api, stage, domainName, apiMappingKey: stage.stageName });
    this.target = domainName.regionalDomainName;
  }
}
