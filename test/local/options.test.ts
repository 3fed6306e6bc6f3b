import { readOptions } from '../../local/options.ts';
import { StartError } from '../../local/start-error.ts';

const refusal = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): string => {
  try {
    readOptions(args, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    if (error instanceof StartError) return error.message;
  }
  throw new Error('The options were accepted.');
};

test('assigns the next four ports, and a data folder for each port', () => {
  expect(readOptions([], {})).toMatchObject({
    ports: { api: 3000, s3: 3001, sqs: 3002, dynamodb: 3003, mail: 3004 },
    dataFolder: '.local/3000',
  });
  expect(readOptions([], { PORT: '65531' })).toMatchObject({
    ports: { api: 65_531, s3: 65_532, sqs: 65_533, dynamodb: 65_534, mail: 65_535 },
    dataFolder: '.local/65531',
  });
});

test.each(['', '0', '65532', '99999', '-1', '3000.5', '3e3', '0x10', 'http'])('refuses PORT=%p', (PORT) => {
  expect(refusal([], { PORT })).toBe(`PORT must be a whole number from 1 to 65531 (given "${PORT}").`);
});

test('accepts -c in all the forms of cdk, and the last value wins', () => {
  const { settings } = readOptions(
    ['-c', 'stage=a', '--context', 'stage=b', '--context=urlLifetimeSeconds=60'],
    {},
  );
  expect(settings).toMatchObject({ stage: 'b', urlLifetimeSeconds: 60 });
});

test.each([
  ['a value out of range', ['-c', 'maxInlineBytes=1'], 'maxInlineBytes = "1"'],
  ['an unknown setting', ['--context', 'colour=red'], 'colour: no such setting'],
  ['a wrong variant', ['--context=variants=[{"name":"A"}]'], 'variants.0.name'],
  ['no assignment', ['-c', 'stage'], '-c takes name=value (given "stage")'],
  ['no name', ['-c', '=dev'], '-c takes name=value (given "=dev")'],
  ['no value', ['-c'], "Option '--context' needs a value."],
  ['an unknown flag', ['--colour'], "Unknown option '--colour'"],
  ['an argument', ['prod'], "Unexpected argument 'prod'"],
])('refuses %s and names it', (_, args, message) => {
  expect(refusal(args)).toContain(message);
});
