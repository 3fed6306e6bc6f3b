import { deployments, synthesizedAlarms } from './deployments.ts';
import type { CostLine } from './image-usage.ts';
import { table } from './table.ts';

const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };

/** Every alarm of the service and of the data lake, linked to the section about it. */
export const alarmsTable = (): string => {
  const descriptions = new Map(
    Object.values(deployments)
      .map((deployment) => synthesizedAlarms({ ...deployment, email }))
      .flatMap(({ service, lake }) => [
        ...service.map((alarm) => ({ ...alarm, document: 'runbook.md' })),
        ...lake.map((alarm) => ({ ...alarm, document: 'data-lake.md' })),
      ])
      .map(({ name, description, document }) => [`[${name}](${document}#${name})`, description]),
  );
  return table(['Alarm', 'Meaning'], [...descriptions].sort());
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
