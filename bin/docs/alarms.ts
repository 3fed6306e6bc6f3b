import { deployments, synthesizedAlarms } from './deployments.ts';
import type { CostLine } from './image-usage.ts';
import { table } from './table.ts';

const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };

/** Every alarm of the service and of the data lake, linked to its section of the runbook. */
export const alarmsTable = (): string => {
  const alarms = new Map(
    Object.values(deployments)
      .map((deployment) => synthesizedAlarms({ ...deployment, email }))
      .flatMap(({ service, lake }) => [...service, ...lake])
      .map((alarm) => [alarm.name, alarm]),
  );
  return table(
    ['Alarm', 'Meaning'],
    [...alarms.keys()].sort().map((name) => {
      const { description = '', section = '' } = alarms.get(name) ?? {};
      return [`[${name}](${section})`, description];
    }),
  );
};

/** What the alarms of a deployment cost in a month. */
export const alarmUsage = (deployment: Readonly<Record<string, unknown>>): CostLine => {
  const { service } = synthesizedAlarms(deployment);
  const metrics = service.reduce((sum, { metricCount }) => sum + metricCount, 0);
  return {
    what: `Alarms: ${service.length}, on ${metrics} metrics`,
    usage: { alarmMetricMonths: metrics },
  };
};
