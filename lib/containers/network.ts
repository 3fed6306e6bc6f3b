import { Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import {
  FlowLog,
  FlowLogDestination,
  FlowLogResourceType,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type FargateSettings, zoneCount } from './settings.ts';
import { trafficLogPrefixes } from './traffic-logs.ts';

export interface NetworkProps {
  readonly natGateway: boolean;
  readonly availabilityZones: FargateSettings['availabilityZones'];
  /** All that tasks reach of S3. */
  readonly buckets: readonly IBucket[];
  /** All that tasks reach of DynamoDB. */
  readonly tables: readonly ITable[];
  readonly trafficLogs: IBucket;
}

/** What tasks need of AWS besides S3 and DynamoDB; the first three only ECS does, to start them and for their logs. */
const interfaceEndpoints = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrImages: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Sqs: InterfaceVpcEndpointAwsService.SQS,
  Sns: InterfaceVpcEndpointAwsService.SNS,
  Sts: InterfaceVpcEndpointAwsService.STS,
} as const;

/**
 * A network of its own. Only the load balancer is in subnets that the internet reaches. Tasks are in others, from which,
 * unless there is a NAT gateway, there is no route to it. That narrows what code in a decoder can do (SECURITY.md): only
 * questions to the resolver still lead out.
 */
export class Network extends Construct {
  readonly vpc: Vpc;
  /** Where tasks run. */
  readonly taskSubnets: SubnetSelection;
  private readonly endpointAccess: SecurityGroup | undefined;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { natGateway, availabilityZones } = props;
    const zones = availabilityZones?.length ?? zoneCount.min;
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
      ...(availabilityZones ? { availabilityZones: [...availabilityZones] } : { maxAzs: zones }),
      // One more zone moves the addresses of no other.
      reservedAzs: zoneCount.max - zones,
      // One for each zone: none depends on another.
      natGateways: natGateway ? zones : 0,
      subnetConfiguration: [
        { name: 'LoadBalancer', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        // 4,091 tasks in each.
        {
          name: 'Tasks',
          subnetType: natGateway ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED,
          cidrMask: 20,
        },
      ],
      // It lets in nothing but itself, and nothing has it. To empty it CDK would deploy a function with wide rights.
      restrictDefaultSecurityGroup: false,
    });
    this.taskSubnets = { subnetGroupName: 'Tasks' };
    this.reachData(props);
    if (!natGateway) this.endpointAccess = this.reachServices();
    // What was refused shows who tries the doors, and a task that wants out. What was not would be a record for each
    // connection to S3, which tells nothing that the logs do not.
    new FlowLog(this, 'RefusedTraffic', {
      resourceType: FlowLogResourceType.fromVpc(this.vpc),
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toS3(props.trafficLogs, trafficLogPrefixes.refused),
    });
  }

  /** A security group for tasks: they reach AWS over HTTPS, and are reached by nobody. */
  taskSecurityGroup(scope: Construct, id: string, description: string): SecurityGroup {
    const group = new SecurityGroup(scope, id, { vpc: this.vpc, description, allowAllOutbound: false });
    // To anywhere: S3 and DynamoDB have public addresses, and it is the routes that lead to those and nowhere else.
    group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'To AWS');
    this.endpointAccess?.addIngressRule(group, Port.HTTPS, description);
    return group;
  }

  /**
   * Free of charge, and to what is ours only: what roles of this account may do is theirs to say, but nothing goes to a
   * bucket or table of anybody else. Images of containers come from a bucket of ECR (ECR User Guide, "Interface VPC
   * endpoints").
   */
  private reachData({ buckets, tables }: Pick<NetworkProps, 'buckets' | 'tables'>): void {
    const { region, partition } = Stack.of(this);
    const allow = (actions: readonly string[], resources: readonly string[]) =>
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: [...actions],
        resources: [...resources],
      });
    const subnets = [this.taskSubnets];
    const s3 = this.vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3, subnets });
    s3.addToPolicy(
      allow(
        ['s3:*'],
        buckets.flatMap((bucket) => [bucket.bucketArn, bucket.arnForObjects('*')]),
      ),
    );
    s3.addToPolicy(allow(['s3:GetObject'], [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`]));
    const dynamoDb = this.vpc.addGatewayEndpoint('DynamoDb', {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets,
    });
    dynamoDb.addToPolicy(
      allow(
        ['dynamodb:*'],
        tables.map(({ tableArn }) => tableArn),
      ),
    );
  }

  /** @returns the security group that lets tasks in */
  private reachServices(): SecurityGroup {
    const access = new SecurityGroup(this, 'EndpointAccess', {
      vpc: this.vpc,
      description: 'Endpoints of AWS services, for tasks',
      allowAllOutbound: false,
    });
    for (const [name, service] of Object.entries(interfaceEndpoints)) {
      const endpoint = this.vpc.addInterfaceEndpoint(name, {
        service,
        subnets: this.taskSubnets,
        securityGroups: [access],
        open: false,
      });
      // Nobody else's credentials, which would lead to somebody else's queue.
      endpoint.addToPolicy(
        new PolicyStatement({
          principals: [new AnyPrincipal()],
          actions: ['*'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': Stack.of(this).account } },
        }),
      );
    }
    return access;
  }
}
