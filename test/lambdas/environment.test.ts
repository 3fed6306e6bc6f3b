import * as z from 'zod';
import { ingestContainerEnvironment, resizeContainerEnvironment } from '../../containers/environment.ts';
import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { reconcileEnvironment } from '../../lambdas/reconcile/environment.ts';
import { resizeFunctionEnvironment } from '../../lambdas/resize/environment.ts';
import {
  baseUrl,
  type EnvironmentTable,
  json,
  readEnvironment,
  text,
  wholeNumber,
  writeEnvironment,
  writeVariables,
} from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { valuesFor } from '../../local/environments.ts';
import { portsFrom } from '../../local/ports.ts';

const table = {
  rawBucket: text,
  decodeMemoryMiB: wholeNumber,
  allowedHosts: json(z.array(z.string())).optional(),
  port: wholeNumber.default(8080),
};

test('writes each value as the variable of its name', () => {
  const values = { rawBucket: 'raw', decodeMemoryMiB: 1280, allowedHosts: ['localhost'], other: 'unused' };
  expect(writeEnvironment(table, values)).toEqual({
    RAW_BUCKET: 'raw',
    DECODE_MEMORY_MIB: '1280',
    ALLOWED_HOSTS: '["localhost"]',
  });
});

test('writes some of the variables', () => {
  expect(writeVariables(table, { port: 80 })).toEqual({ PORT: '80' });
});

test('reads an environment with its defaults', () => {
  const environment = readEnvironment(table, { RAW_BUCKET: 'raw', DECODE_MEMORY_MIB: '1280', OTHER: 'x' });
  expect(environment).toEqual({ rawBucket: 'raw', decodeMemoryMiB: 1280, port: 8080 });
});

test('reports every variable that is missing or wrong', () => {
  expect(() => readEnvironment(table, { DECODE_MEMORY_MIB: '-1', ALLOWED_HOSTS: '[1', PORT: '' })).toThrow(
    /RAW_BUCKET: missing\n +DECODE_MEMORY_MIB: a whole number\n +ALLOWED_HOSTS: not JSON\n +PORT: a whole number/,
  );
  expect(() => readEnvironment(table, { ALLOWED_HOSTS: '[1]' })).toThrow('ALLOWED_HOSTS.0: ');
});

test('fails to write a value that could not be read', () => {
  expect(() => writeVariables(table, { port: 1.5 })).toThrow();
  expect(() => writeVariables(table, { rawBucket: '' })).toThrow('empty');
});

test.each(['https://images.example.com/dev/', 'images.example.com/dev', 'https://', 'ftp://a/b', ''])(
  'refuses %j as the start of links',
  (url) => {
    expect(() => readEnvironment({ publicUrl: baseUrl }, { PUBLIC_URL: url })).toThrow(
      'PUBLIC_URL: a URL without a slash at the end',
    );
  },
);

const settings = readSettings({
  variants: [
    { name: 'card', fit: 'cover', format: 'jpeg' },
    { name: 'icon', format: 'png' },
  ],
  auth: { jwt: { issuer: 'https://idp.example', audience: ['thumbnails'] } },
});
const values = { ...valuesFor(portsFrom(3000), settings), lane: 'fast', port: 3000 } as const;

test.each<[string, EnvironmentTable, Record<string, string>]>([
  ['ingest', ingestContainerEnvironment, writeEnvironment(ingestContainerEnvironment, values)],
  ['a resize function', resizeFunctionEnvironment, writeEnvironment(resizeFunctionEnvironment, values)],
  ['a resize container', resizeContainerEnvironment, writeEnvironment(resizeContainerEnvironment, values)],
  ['notify', notifyEnvironment, writeEnvironment(notifyEnvironment, values)],
  ['reconcile', reconcileEnvironment, writeEnvironment(reconcileEnvironment, values)],
])('the environment of %s is read as it was written', (_, each, variables) => {
  const read = readEnvironment(each, variables);
  for (const name of Object.keys(each).filter((key) => key in values)) {
    expect({ [name]: read[name] }).toEqual({ [name]: values[name as keyof typeof values] });
  }
});
