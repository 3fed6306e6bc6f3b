import type * as z from 'zod';

/** What people wrote in cdk.json or with `-c`. */
type Given = Readonly<Record<string, unknown>>;

/** One line for each wrong setting: its path, its value and the rule. */
export const describeWrongSettings = (
  issues: readonly z.core.$ZodIssue[],
  given: Given,
  names: readonly string[],
): readonly string[] => [...new Set(issues.map((issue) => describe(issue, given, names)))];

const describe = (issue: z.core.$ZodIssue, given: Given, names: readonly string[]): string => {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const describeKey = (key: string): string =>
      path.length === 0 ? unknownSetting(key, names) : `${nameOf([...path, key], given)}: no such setting.`;
    return issue.keys.map(describeKey).join('\n  ');
  }
  const text = given[path[0] ?? ''];
  if (path.length === 1 && looksLikeJson(text)) {
    return `${path[0]} is not valid JSON: ${text}`;
  }
  const value = valueAt(path, given);
  const found = value === undefined ? ' (not set)' : ` = ${JSON.stringify(value)}`;
  return `${nameOf(path, given)}${found}: ${ruleOf(issue, value)}`;
};

/** The path, and the names of list entries: `variants.0 ("card").width`. */
const nameOf = (path: readonly string[], given: Given): string =>
  path
    .map((key, index) => {
      const entry = /^\d+$/.test(key) && valueAt(path.slice(0, index + 1), given);
      const name = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'name') : undefined;
      const next = path[index + 1];
      const isNamed = typeof name === 'string' && next !== undefined && next !== 'name';
      return isNamed ? `${key} (${JSON.stringify(name)})` : key;
    })
    .join('.');

/** The rule in the words of this project, where zod's own would be shown. */
const ruleOf = (issue: z.core.$ZodIssue, value: unknown): string => {
  const { code, message } = issue;
  if (code === 'too_big' && message.startsWith('Too big'))
    return `at most ${issue.maximum}${unitOf(issue.origin)}`;
  if (code === 'too_small' && message.startsWith('Too small')) {
    return `at least ${issue.minimum}${unitOf(issue.origin)}`;
  }
  if (code === 'invalid_type' && message.startsWith('Invalid input')) {
    return value === undefined ? 'must be set' : `expected ${issue.expected}`;
  }
  if (code === 'invalid_value' && message.startsWith('Invalid option')) {
    return `one of ${issue.values.map((each) => JSON.stringify(each)).join(', ')}`;
  }
  return message;
};

const unitOf = (origin: string): string => ({ array: ' in the list', string: ' characters' })[origin] ?? '';

const unknownSetting = (key: string, names: readonly string[]): string => {
  const similar = names.find((name) => isSimilar(name.toLowerCase(), key.toLowerCase()));
  if (similar !== undefined) return `${key}: no such setting. Did you mean ${similar}?`;
  return `${key}: no such setting. The settings are ${names.join(', ')}.`;
};

/** Whether one is the beginning of the other, or one letter is wrong, missing or too many. */
const isSimilar = (one: string, other: string): boolean => {
  if (one.startsWith(other) || other.startsWith(one)) return true;
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  const [ownRest, otherRest] = [one.slice(same), other.slice(same)];
  return (
    ownRest.slice(1) === otherRest.slice(1) ||
    ownRest === otherRest.slice(1) ||
    ownRest.slice(1) === otherRest
  );
};

const looksLikeJson = (value: unknown): value is string => {
  if (typeof value !== 'string' || !/^\s*[[{"]/.test(value)) return false;
  try {
    JSON.parse(value);
    return false;
  } catch {
    return true;
  }
};

/** The wrong value itself, within a setting that is JSON. */
const valueAt = (path: readonly string[], given: Given): unknown => {
  const [name = '', ...rest] = path;
  let value = given[name];
  if (typeof value === 'string' && rest.length > 0) value = JSON.parse(value);
  for (const key of rest) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
};
