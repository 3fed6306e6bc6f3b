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
import type { Domain } from '../ingest/domain.ts';
import { trafficLogPrefixes } from './traffic-logs.ts';

export interface LoadBalancerProps {
  readonly vpc: IVpc;
  readonly domain: Domain;
  /** First segment of every path. */
  readonly stage: string;
  /** Where tasks listen. */
  readonly port: number;
  readonly trafficLogs: IBucket;
}

/**
 * Takes requests in over HTTPS, for one name and one stage, and spreads them over tasks. It holds nothing, and is not
 * protected against deletion: that would only stop a switch back to functions half-way.
 */
export class LoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  /** The tasks that requests are given to. */
  readonly targets: ApplicationTargetGroup;

  constructor(scope: Construct, id: string, { vpc, domain, stage, port, trafficLogs }: LoadBalancerProps) {
    super(scope, id);
    this.balancer = new ApplicationLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      internetFacing: true,
      securityGroup: new SecurityGroup(this, 'Access', {
        vpc,
        description: 'The load balancer, for everybody',
        allowAllOutbound: false,
      }),
      // A request may take 30 s to arrive and wait 20 s for its thumbnails. Tasks keep connections for longer than this, so
      // that none ends just when the load balancer uses it.
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
      // ECS replaces a task that fails this. When a service of AWS is out of reach all tasks do, and new ones would not fare
      // better: so it takes five minutes, which is longer than most such times. Until then, and again if no target is
      // healthy, all tasks get requests, and what they cannot answer is an error of ours. Even then ECS takes no task
      // away before another one is healthy (ECS Developer Guide, "Amazon ECS services"). But a task that was
      // never ready gets no request, and a deployment of such tasks is undone.
      healthCheck: {
        path: '/ready',
        healthyHttpCodes: '200',
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 10,
      },
      // What a task was given before it takes no more has this long to end, and then the time that the task has to stop.
      deregistrationDelay: Duration.seconds(25),
    });
    const listener = this.balancer.addListener('Https', {
      protocol: ApplicationProtocol.HTTPS,
      certificates: [Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn)],
      // TLS 1.3, and of 1.2 what has forward secrecy and authenticates what it encrypts.
      sslPolicy: SslPolicy.TLS13_12_RES_PQ,
      // As API Gateway answers unknown paths. Who only tries addresses of the internet never reaches a task, nor does
      // anybody but us reach what tells of a task's health.
      defaultAction: ListenerAction.fixedResponse(404, {
        contentType: 'application/json',
        messageBody: '{"message":"Not Found"}',
      }),
    });
    listener.addAction('Stage', {
      priority: 1,
      conditions: [
        ListenerCondition.hostHeaders([domain.name]),
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
  }

  /**
   * Connections, and not requests: an access log holds queries, and with them the addresses of `?X-Notify-Email=` (Elastic Load
   * Balancing, "Access logs for your Application Load Balancer", `request`). What a connection log holds ends with TLS; ingest logs the
   * requests, without queries, as API Gateway does for functions.
   */
  private logConnections(trafficLogs: IBucket): void {
    this.balancer.setAttribute('connection_logs.s3.enabled', 'true');
    this.balancer.setAttribute('connection_logs.s3.bucket', trafficLogs.bucketName);
    this.balancer.setAttribute('connection_logs.s3.prefix', trafficLogPrefixes.connections);
    // A deployment that turned access logs on is to turn them off.
    this.balancer.setAttribute('access_logs.s3.enabled', 'false');
    // The load balancer tries to write when this is set: the bucket must let it by then.
    this.balancer.node.addDependency(trafficLogs);
  }
}
