import { readFileSync } from 'node:fs';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { inContainers, resourcesOf, templateWith } from '../stacks.ts';
import { attribute, changedContainers, containerOf, only } from './deployed-containers.ts';

let template: Template;
let changed: Template;

beforeAll(() => {
  template = templateWith(inContainers);
  changed = templateWith(changedContainers);
});

describe('the load balancer', () => {
  test('serves HTTPS with TLS 1.2 and 1.3, and redirects HTTP to it', () => {
    const [https, http, ...others] = resourcesOf(template, 'AWS::ElasticLoadBalancingV2::Listener').sort(
      (one, other) => other.Port - one.Port,
    );
    expect(others).toEqual([]);
    expect(https).toMatchObject({
      Port: 443,
      Protocol: 'HTTPS',
      Certificates: [{ CertificateArn: inContainers.domain.certificateArn }],
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
    });
    expect(http).toMatchObject({
      Port: 80,
      Protocol: 'HTTP',
      DefaultActions: [
        { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } },
      ],
    });
  });

  test('forwards only requests for the domain and the stage, and answers others as API Gateway does', () => {
    const targets = only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const rule = only(template, 'AWS::ElasticLoadBalancingV2::ListenerRule');
    expect(rule).toMatchObject({
      Conditions: [
        { Field: 'host-header', HostHeaderConfig: { Values: ['images.example.com'] } },
        { Field: 'path-pattern', PathPatternConfig: { Values: ['/dev/*'] } },
      ],
      Actions: [{ Type: 'forward', TargetGroupArn: { Ref: targets.name } }],
    });
    const https = only(template, 'AWS::ElasticLoadBalancingV2::Listener', 'ContainersLoadBalancerHttps');
    expect(rule.ListenerArn).toEqual({ Ref: https.name });
    expect(https.DefaultActions).toEqual([
      {
        Type: 'fixed-response',
        FixedResponseConfig: {
          StatusCode: '404',
          ContentType: 'application/json',
          MessageBody: '{"message":"Not Found"}',
        },
      },
    ]);
    expect(only(changed, 'AWS::ElasticLoadBalancingV2::ListenerRule').Conditions[1]).toMatchObject({
      PathPatternConfig: { Values: ['/live/*'] },
    });
  });

  test('is public, drops malformed headers, outlasts the longest request, and can be deleted', () => {
    const { Scheme, Type, LoadBalancerAttributes } = only(
      template,
      'AWS::ElasticLoadBalancingV2::LoadBalancer',
    );
    expect({ Scheme, Type }).toEqual({ Scheme: 'internet-facing', Type: 'application' });
    expect(LoadBalancerAttributes).toEqual(
      expect.arrayContaining([
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'idle_timeout.timeout_seconds', Value: '60' },
        { Key: 'deletion_protection.enabled', Value: 'false' },
      ]),
    );
    // The server behind it keeps idle connections for longer.
    const [, kept] =
      /keepAliveMilliseconds = ([\d_]+)/.exec(readFileSync('containers/http-server.ts', 'utf8')) ?? [];
    expect(Number(kept?.replaceAll('_', ''))).toBeGreaterThan(60_000);
  });

  test('checks whether tasks are ready, and lets ECS replace one after five minutes', () => {
    const { name: _, ...targets } = only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(targets).toMatchObject({
      TargetType: 'ip',
      Protocol: 'HTTP',
      Port: 8080,
      HealthCheckPath: '/ready',
      Matcher: { HttpCode: '200' },
      HealthCheckTimeoutSeconds: 5,
      HealthyThresholdCount: 2,
    });
    expect(targets.HealthCheckIntervalSeconds * targets.UnhealthyThresholdCount).toBe(5 * 60);
  });

  test('deregisters a task in less time than the task has to stop', () => {
    const { TargetGroupAttributes } = only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const delay = TargetGroupAttributes.find(
      ({ Key }: { readonly Key: string }) => Key === 'deregistration_delay.timeout_seconds',
    );
    expect(Number(delay?.Value)).toBeLessThan(containerOf(template, 'Ingest').StopTimeout);
  });
});

describe('the traffic logs', () => {
  const bucketOf = (of: Template) => only(of, 'AWS::S3::Bucket', 'ContainersTrafficLogs');

  const expiry = (days: number) =>
    expect.objectContaining({
      Rules: expect.arrayContaining([expect.objectContaining({ ExpirationInDays: days, Status: 'Enabled' })]),
    });

  test('are private and encrypted, and expire like other logs', () => {
    expect(bucketOf(template)).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      LifecycleConfiguration: expiry(30),
    });
    expect(bucketOf(changed).LifecycleConfiguration).toEqual(expiry(7));
  });

  test('hold every connection, and only the load balancer may write them', () => {
    const { LoadBalancerAttributes } = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
    const bucket = bucketOf(template);
    expect(LoadBalancerAttributes).toEqual(
      expect.arrayContaining([
        { Key: 'connection_logs.s3.enabled', Value: 'true' },
        { Key: 'connection_logs.s3.bucket', Value: { Ref: bucket.name } },
        { Key: 'connection_logs.s3.prefix', Value: 'connections' },
      ]),
    );
    const { PolicyDocument } = only(template, 'AWS::S3::BucketPolicy', 'ContainersTrafficLogs');
    const account = { Ref: 'AWS::AccountId' };
    const under = (prefix: string) => ({
      'Fn::Join': ['', [attribute('Arn', bucket), `/${prefix}/AWSLogs/`, account, '/*']],
    });
    const writers = PolicyDocument.Statement.filter(
      ({ Effect, Action }: { readonly Effect: string; readonly Action: unknown }) =>
        Effect === 'Allow' && Action === 's3:PutObject',
    );
    expect(writers).toEqual([
      {
        Effect: 'Allow',
        Action: 's3:PutObject',
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Resource: under('connections'),
      },
      {
        Effect: 'Allow',
        Action: 's3:PutObject',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Resource: under('refused'),
        Condition: expect.objectContaining({
          StringEquals: expect.objectContaining({ 'aws:SourceAccount': account }),
        }),
      },
    ]);
    expect(PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });

  test('hold no requests, whose queries may contain mail addresses', () => {
    for (const each of [template, changed]) {
      const { LoadBalancerAttributes } = only(each, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
      const accessLogs = LoadBalancerAttributes.filter(({ Key }: { readonly Key: string }) =>
        Key.startsWith('access_logs.'),
      );
      expect(accessLogs).toEqual([{ Key: 'access_logs.s3.enabled', Value: 'false' }]);
    }
  });

  test('hold the connections that the network refused', () => {
    const { name: _, ...flowLog } = only(template, 'AWS::EC2::FlowLog');
    expect(flowLog).toMatchObject({
      ResourceType: 'VPC',
      ResourceId: { Ref: only(template, 'AWS::EC2::VPC').name },
      TrafficType: 'REJECT',
      LogDestinationType: 's3',
    });
  });
});

test('the outputs have the DNS targets of containers and of functions', () => {
  template.hasOutput('LoadBalancerDnsName', {
    Value: attribute('DNSName', only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer')),
  });
  template.hasOutput('LoadBalancerArn', {
    Value: { Ref: only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').name },
  });
  template.hasOutput('ApiDomainTarget', {
    Value: attribute('RegionalDomainName', only(template, 'AWS::ApiGatewayV2::DomainName')),
  });
  template.hasOutput('PublicUploadUrl', { Value: 'https://images.example.com/dev/upload_image' });
  template.hasOutput('UploadUrl', { Value: Match.objectLike({ 'Fn::Join': Match.anyValue() }) });
});
