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
  /** The only buckets that tasks reach. */
  readonly buckets: readonly IBucket[];
  /** The only tables that tasks reach. */
  readonly tables: readonly ITable[];
  readonly trafficLogs: IBucket;
}

/** Services that tasks need besides S3 and DynamoDB; ECS needs the first three to start and log them. */
const interfaceEndpoints = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrImages: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Sqs: InterfaceVpcEndpointAwsService.SQS,
  Sns: InterfaceVpcEndpointAwsService.SNS,
  Sts: InterfaceVpcEndpointAwsService.STS,
} as const;

/**
 * A network with public subnets for the load balancer and private ones for tasks. Without a NAT gateway tasks
 * have no route to the internet, which limits what malicious code in a decoder could do (SECURITY.md): only
 * DNS queries get out.
 */
export class Network extends Construct {
  readonly vpc: Vpc;
  /** The subnets of tasks. */
  readonly taskSubnets: SubnetSelection;
  private readonly endpointAccess: SecurityGroup | undefined;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { natGateway, availabilityZones } = props;
    const zones = availabilityZones?.length ?? zoneCount.min;
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
      ...(availabilityZones ? { availabilityZones: [...availabilityZones] } : { maxAzs: zones }),
      // Another zone does not change the addresses of the others.
      reservedAzs: zoneCount.max - zones,
      // One for each zone, so that no zone depends on another.
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
      // Nothing uses that group. To empty it CDK would deploy a function with wide permissions.
      restrictDefaultSecurityGroup: false,
    });
    this.taskSubnets = { subnetGroupName: 'Tasks' };
    this.addGatewayEndpoints(props);
    if (!natGateway) this.endpointAccess = this.addInterfaceEndpoints();
    // Refused connections show attacks, and tasks that try to get out. Accepted ones would add a record for
    // each connection to S3, and nothing that the logs do not have.
    new FlowLog(this, 'RefusedTraffic', {
      resourceType: FlowLogResourceType.fromVpc(this.vpc),
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toS3(props.trafficLogs, trafficLogPrefixes.refused),
    });
  }

  /** A security group for tasks: HTTPS to AWS, and no incoming connections. */
  taskSecurityGroup(scope: Construct, id: string, description: string): SecurityGroup {
    const group = new SecurityGroup(scope, id, { vpc: this.vpc, description, allowAllOutbound: false });
    // To any address: S3 and DynamoDB have public ones, and the routes lead nowhere else.
    group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'To AWS');
    this.endpointAccess?.addIngressRule(group, Port.HTTPS, description);
    return group;
  }

  /**
   * Gateway endpoints are free of charge. Their policies admit only the buckets and tables of the service,
   * and the bucket from which ECR serves container images (ECR User Guide, "Interface VPC endpoints").
   */
  private addGatewayEndpoints({ buckets, tables }: Pick<NetworkProps, 'buckets' | 'tables'>): void {
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

  /** @returns the security group of the endpoints */
  private addInterfaceEndpoints(): SecurityGroup {
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
      // Credentials of another account would lead to its queues.
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
