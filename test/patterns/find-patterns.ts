import { parseSync } from '@swc/core';
import * as z from 'zod';

/** A regular expression in a source file. */
export interface Pattern {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

export interface Found {
  readonly patterns: readonly Pattern[];
  /** Places that compute a regular expression from something other than a literal. */
  readonly computed: readonly string[];
}

const literal = z.object({ type: z.literal('RegExpLiteral'), pattern: z.string(), flags: z.string() });
const text = z.object({ expression: z.object({ type: z.literal('StringLiteral'), value: z.string() }) });
const args = z.array(z.looseObject({ expression: z.looseObject({ type: z.string() }) }));
const constructed = z.object({
  type: z.enum(['NewExpression', 'CallExpression']),
  callee: z.object({ type: z.literal('Identifier'), value: z.literal('RegExp') }),
  arguments: args,
});
/** Methods that turn a string argument into a regular expression. */
const converted = z.object({
  type: z.literal('CallExpression'),
  callee: z.object({
    type: z.literal('MemberExpression'),
    property: z.object({ value: z.enum(['match', 'matchAll', 'search']) }),
  }),
  arguments: args.length(1),
});

/** All regular expressions in a source file. */
export const findPatterns = (file: string, source: string): Found => {
  const patterns: Pattern[] = [];
  const computed: string[] = [];

  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const each of node) visit(each);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    const found = literal.safeParse(node);
    if (found.success) patterns.push({ file, source: found.data.pattern, flags: found.data.flags });
    const made = constructed.safeParse(node);
    if (made.success) add(made.data.arguments, 'RegExp');
    const other = converted.safeParse(node);
    if (other.success) add(other.data.arguments, other.data.callee.property.value);
    for (const each of Object.values(node)) visit(each);
  };

  const add = ([first, second]: readonly unknown[], by: string): void => {
    const [pattern, flags] = [text.safeParse(first), text.safeParse(second)];
    const isWritten = pattern.success && (second === undefined || flags.success);
    if (isWritten) {
      patterns.push({
        file,
        source: pattern.data.expression.value,
        flags: flags.data?.expression.value ?? '',
      });
    } else if (args.element.safeParse(first).data?.expression.type !== 'RegExpLiteral') {
      computed.push(`${file}: ${by}`);
    }
  };

  const isTypeScript = file.endsWith('.ts');
  visit(parseSync(source, { syntax: isTypeScript ? 'typescript' : 'ecmascript', target: 'es2024' }));
  return { patterns, computed };
};
