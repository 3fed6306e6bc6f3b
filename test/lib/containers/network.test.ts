import type { Template } from 'aws-cdk-lib/assertions';
import { inContainers, resourcesOf, templateWith } from '../stacks.ts';
import { changedContainers, only, serviceNames, serviceOf } from './deployed-containers.ts';

let template: Template;
let changed: Template;

beforeAll(() => {
  template = templateWith(inContainers);
  changed = templateWith(changedContainers);
});

describe('the network', () => {
  const subnetsOf = (of: Template, name: string) =>
    resourcesOf(of, 'AWS::EC2::Subnet').filter((subnet) => subnet.name.includes(name));
  /** The targets of the route tables of these subnets. */
  const waysOut = (of: Template, name: string) =>
    resourcesOf(of, 'AWS::EC2::Route')
      .filter(({ RouteTableId }) => RouteTableId.Ref.includes(name))
      .map(({ GatewayId, NatGatewayId }) => (GatewayId ? 'internet' : NatGatewayId && 'NAT'));

  test('spans two zones of the region by default, without public addresses', () => {
    for (const name of ['LoadBalancerSubnet', 'TasksSubnet']) {
      const subnets = subnetsOf(template, name);
      expect(subnets.map(({ AvailabilityZone }) => AvailabilityZone)).toEqual([
        { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
        { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] },
      ]);
      for (const { MapPublicIpOnLaunch } of subnets) expect(MapPublicIpOnLaunch).toBe(false);
    }
  });

  test('has no route to the internet for tasks by default, and a NAT gateway per zone if configured', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    expect(waysOut(template, 'TasksSubnet')).toEqual([]);
    expect(waysOut(template, 'LoadBalancerSubnet')).toEqual(['internet', 'internet']);
    changed.resourceCountIs('AWS::EC2::NatGateway', 3);
    expect(waysOut(changed, 'TasksSubnet')).toEqual(['NAT', 'NAT', 'NAT']);
    changed.resourceCountIs('AWS::EC2::VPCEndpoint', 2);
  });

  test('keeps the addresses of zones when more are added', () => {
    const addresses = (of: Template, name: string) => subnetsOf(of, name).map(({ CidrBlock }) => CidrBlock);
    expect(subnetsOf(changed, 'TasksSubnet').map(({ AvailabilityZone }) => AvailabilityZone)).toEqual([
      'us-east-2a',
      'us-east-2b',
      'us-east-2c',
    ]);
    for (const name of ['LoadBalancerSubnet', 'TasksSubnet'])
      expect(addresses(changed, name).slice(0, 2)).toEqual(addresses(template, name));
  });

  test('has tasks in private subnets and the load balancer in public ones', () => {
    const refs = (name: string) => subnetsOf(template, name).map((subnet) => ({ Ref: subnet.name }));
    for (const name of serviceNames) {
      expect(serviceOf(template, name).NetworkConfiguration.AwsvpcConfiguration).toMatchObject({
        AssignPublicIp: 'DISABLED',
        Subnets: refs('TasksSubnet'),
      });
    }
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Subnets).toEqual(
      refs('LoadBalancerSubnet'),
    );
  });

  test('has endpoints in each zone for the services that tasks need, and no others', () => {
    const endpoints = resourcesOf(template, 'AWS::EC2::VPCEndpoint').map((endpoint) => [
      endpoint.ServiceName['Fn::Join'][1].at(-1).slice(1),
      endpoint.VpcEndpointType,
      endpoint.SubnetIds ?? endpoint.RouteTableIds,
    ]);
    const tables = resourcesOf(template, 'AWS::EC2::RouteTable').filter(({ name }) =>
      name.includes('TasksSubnet'),
    );
    const inEach = subnetsOf(template, 'TasksSubnet').map(({ name }) => ({ Ref: name }));
    const ofEach = tables.map(({ name }) => ({ Ref: name }));
    expect(inEach).toHaveLength(2);
    expect(endpoints).toEqual([
      ['s3', 'Gateway', ofEach],
      ['dynamodb', 'Gateway', ofEach],
      ['ecr.api', 'Interface', inEach],
      ['ecr.dkr', 'Interface', inEach],
      ['logs', 'Interface', inEach],
      ['sqs', 'Interface', inEach],
      ['sns', 'Interface', inEach],
      ['sts', 'Interface', inEach],
    ]);
  });

  test.each([
    ['default', () => template, ['Admission', 'Catalog']],
    ['changed', () => changed, ['Admission', 'Catalog', 'MailRequests']],
  ])('reaches no bucket and no table but ours and the images’ with the %s settings', (_, of, tables) => {
    const statements = resourcesOf(of(), 'AWS::EC2::VPCEndpoint')
      .filter(({ VpcEndpointType }) => VpcEndpointType === 'Gateway')
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    const reached = statements.map(({ Action, Resource }) => [
      Action,
      [...JSON.stringify(Resource).matchAll(/"([A-Za-z]+)[0-9A-F]{8}"|(prod-)|"-(starport[^"]+)"/g)].map(
        ([, name, ...ecr]) => name ?? ecr.join(''),
      ),
    ]);
    expect(reached).toEqual([
      ['s3:*', ['RawBucket', 'ThumbnailBucket', 'RawBucket', 'ThumbnailBucket']],
      ['s3:GetObject', ['prod-', 'starport-layer-bucket/*']],
      ['dynamodb:*', tables],
    ]);
  });
});

test('endpoints refuse credentials of other accounts', () => {
  const endpoints = resourcesOf(template, 'AWS::EC2::VPCEndpoint').filter(
    ({ VpcEndpointType }) => VpcEndpointType === 'Interface',
  );
  expect(endpoints).toHaveLength(6);
  for (const { PolicyDocument } of endpoints) {
    expect(PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: '*',
        Resource: '*',
        Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
  }
});

describe('security groups', () => {
  const nameOf = (logicalId: string): string =>
    logicalId.replace(/^Containers(?:Network)?/, '').replace(/[0-9A-F]{8}$/, '');
  const referred = (reference: { readonly 'Fn::GetAtt': readonly [string, string] }): string =>
    nameOf(reference['Fn::GetAtt'][0]);

  /** Every rule as "from -> to: port". CDK writes "no outbound traffic" as a rule for an invalid address. */
  const rulesOf = (of: Template): readonly string[] => {
    const groups = resourcesOf(of, 'AWS::EC2::SecurityGroup');
    return [
      ...groups.flatMap(({ name, SecurityGroupIngress = [] }) =>
        SecurityGroupIngress.map(
          ({ CidrIp, FromPort }: { readonly CidrIp: string; readonly FromPort: number }) =>
            `${CidrIp} -> ${nameOf(name)}: ${FromPort}`,
        ),
      ),
      ...groups.flatMap(({ name, SecurityGroupEgress = [] }) =>
        SecurityGroupEgress.map(
          ({ CidrIp, FromPort }: { readonly CidrIp: string; readonly FromPort: number }) =>
            `${nameOf(name)} -> ${CidrIp}: ${FromPort}`,
        ),
      ),
      ...resourcesOf(of, 'AWS::EC2::SecurityGroupIngress').map(
        ({ SourceSecurityGroupId, GroupId, FromPort }) =>
          `${referred(SourceSecurityGroupId)} -> ${referred(GroupId)}: ${FromPort}`,
      ),
      ...resourcesOf(of, 'AWS::EC2::SecurityGroupEgress').map(
        ({ GroupId, DestinationSecurityGroupId, FromPort }) =>
          `${referred(GroupId)} -> ${referred(DestinationSecurityGroupId)}: ${FromPort}`,
      ),
    ].filter((rule) => !rule.includes('255.255.255.255/32'));
  };

  const always = [
    '0.0.0.0/0 -> LoadBalancerAccess: 443',
    '0.0.0.0/0 -> LoadBalancerAccess: 80',
    'LoadBalancerAccess -> IngestAccess: 8080',
    'IngestAccess -> 0.0.0.0/0: 443',
    'ResizeAccess -> 0.0.0.0/0: 443',
  ];

  test('allow everyone to the load balancer, only it to ingest, no one to workers, and tasks to HTTPS', () => {
    expect(new Set(rulesOf(template))).toEqual(
      new Set([...always, 'IngestAccess -> EndpointAccess: 443', 'ResizeAccess -> EndpointAccess: 443']),
    );
    expect(new Set(rulesOf(changed))).toEqual(new Set(always));
  });
});
