import { Duration } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IVpc, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { trafficLogPrefixes } from './traffic-logs.ts';

export interface LoadBalancerProps {
  readonly vpc: IVpc;
  readonly domainName: string;
  /** Of a certificate of ACM for that name, in the region of the stack. */
  readonly certificateArn: string;
  /** First segment of every path. */
  readonly stage: string;
  /** The port on which tasks listen. */
  readonly port: number;
  readonly trafficLogs: IBucket;
}

/**
 * Receives requests over HTTPS, for one name and one stage, and spreads them over tasks. It holds no data.
 * Protection against deletion would only stop a change back to functions half-way.
 */
export class LoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  /** The tasks that receive requests. */
  readonly targets: ApplicationTargetGroup;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { vpc, stage, port, trafficLogs } = props;
    this.balancer = new ApplicationLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      internetFacing: true,
      securityGroup: new SecurityGroup(this, 'Access', {
        vpc,
        description: 'The load balancer, for everybody',
        allowAllOutbound: false,
      }),
      // A request may take 30 s to arrive and wait 20 s for its thumbnails. Tasks keep idle connections for
      // longer, so that they do not close one that the load balancer is about to use.
      idleTimeout: Duration.seconds(60),
      dropInvalidHeaderFields: true,
      deletionProtection: false,
    });
    this.logConnections(trafficLogs);
    this.targets = new ApplicationTargetGroup(this, 'Targets', {
      vpc,
      targetType: TargetType.IP,
      protocol: ApplicationProtocol.HTTP,
      port,
      // ECS replaces a task that fails this check, once another one is healthy. In an outage of AWS all tasks
      // fail, and new ones would too. Ten failures, five minutes, outlast most outages. Without a healthy
      // target the load balancer sends requests to all of them.
      healthCheck: {
        path: '/ready',
        healthyHttpCodes: '200',
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 10,
      },
      // Requests in progress have this long to end, and then the time that the task has to stop.
      deregistrationDelay: Duration.seconds(25),
    });
    const listener = this.balancer.addListener('Https', {
      protocol: ApplicationProtocol.HTTPS,
      certificates: [Certificate.fromCertificateArn(this, 'Certificate', props.certificateArn)],
      // TLS 1.3, and of TLS 1.2 only forward secrecy with authenticated encryption.
      sslPolicy: SslPolicy.TLS13_12_RES_PQ,
      // As API Gateway answers unknown paths. Scans of IP addresses reach no task.
      defaultAction: ListenerAction.fixedResponse(404, {
        contentType: 'application/json',
        messageBody: '{"message":"Not Found"}',
      }),
    });
    listener.addAction('Stage', {
      priority: 1,
      conditions: [
        ListenerCondition.hostHeaders([props.domainName]),
        ListenerCondition.pathPatterns([`/${stage}/*`]),
      ],
      action: ListenerAction.forward([this.targets]),
    });
    this.balancer.addListener('Http', {
      protocol: ApplicationProtocol.HTTP,
      defaultAction: ListenerAction.redirect({
        protocol: ApplicationProtocol.HTTPS,
        port: '443',
        permanent: true,
      }),
    });
    acknowledge(
      this,
      'ELB2',
      "An access log of the load balancer holds queries, and so the addresses of mails. Connections are logged, and ingest logs each request without its query, as API Gateway's access log does.",
    );
    acknowledge(
      this,
      'EC23',
      'The load balancer is public, as API Gateway is: which routes need authorization is a setting. A test checks that no other security group is open to everyone.',
    );
  }

  /**
   * Connections, not requests: an access log holds queries, and so the addresses of `?X-Notify-Email=`
   * (Elastic Load Balancing, "Access logs for your Application Load Balancer", `request`). Ingest logs
   * requests without queries.
   */
  private logConnections(trafficLogs: IBucket): void {
    this.balancer.setAttribute('connection_logs.s3.enabled', 'true');
    this.balancer.setAttribute('connection_logs.s3.bucket', trafficLogs.bucketName);
    this.balancer.setAttribute('connection_logs.s3.prefix', trafficLogPrefixes.connections);
    // Earlier versions turned access logs on.
    this.balancer.setAttribute('access_logs.s3.enabled', 'false');
    // The load balancer writes a test object when this is set: the bucket must allow it by then.
    this.balancer.node.addDependency(trafficLogs);
  }
}
