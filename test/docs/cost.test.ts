import type { Template } from 'aws-cdk-lib/assertions';
import { sumOf, times, usdOf } from '../../lib/cost/prices.ts';
import { assumed, httpApi } from '../../lib/cost/usage.ts';
import { inContainers, resourcesOf, templateWith } from '../lib/stacks.ts';

test('prices units by the million, thousand or gigabyte as AWS does', () => {
  expect(usdOf({ apiRequests: 1_000_000, s3Puts: 1000, logBytes: 1e9 })).toBeCloseTo(1 + 0.005 + 0.5);
  const doubled = sumOf([{ snsEvents: 1 }, { snsEvents: 1, sqsRequests: 3 }]);
  expect(times(2, doubled)).toEqual({ snsEvents: 4, sqsRequests: 6 });
});

test.each([
  [0, 1],
  [524_288, 1],
  [524_289, 2],
  [10_000_000, 20],
])('counts a body of %d bytes as %d requests', (bodyBytes, apiRequests) => {
  expect(httpApi(bodyBytes)).toEqual({ apiRequests });
});

describe('the assumptions of docs/cost.md about containers', () => {
  let template: Template;

  beforeAll(() => {
    template = templateWith(inContainers);
  });

  test('hold for the scaling of ingest tasks', () => {
    const targets = resourcesOf(template, 'AWS::ApplicationAutoScaling::ScalingPolicy')
      .map(({ TargetTrackingScalingPolicyConfiguration: target }) => target)
      .filter((target) => target?.PredefinedMetricSpecification !== undefined)
      .map(({ TargetValue }) => TargetValue);
    expect(targets).toContain(60 * assumed.uploadsPerTaskSecond);
  });

  test('hold for the share of workers on demand', () => {
    const strategies = resourcesOf(template, 'AWS::ECS::Service').map(
      ({ CapacityProviderStrategy: strategy }) => strategy,
    );
    expect(strategies).toContainEqual([
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 1 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 4 },
    ]);
  });

  test('hold for the number of endpoints', () => {
    const endpoints = resourcesOf(template, 'AWS::EC2::VPCEndpoint');
    expect(endpoints.filter(({ VpcEndpointType: type }) => type === 'Interface')).toHaveLength(6);
  });
});
