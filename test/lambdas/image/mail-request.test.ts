import {
  allowedRecipientsSchema,
  masked,
  notifyHeader,
  requireRecipient,
} from '../../../lambdas/notify/mail-request.ts';

const allowed = allowedRecipientsSchema.parse(['example.com', 'Ada@Example.ORG']);

test.each([
  ['ada@example.com', 'ada@example.com'],
  ["o'brien+photos.2026@example.com", "o'brien+photos.2026@example.com"],
  ['Ada@EXAMPLE.com', 'Ada@example.com'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
])('accepts %s, with its domain in lower case', (text, recipient) => {
  expect(requireRecipient(text, allowed)).toBe(recipient);
});

test.each(['Ada@example.org', 'ada@example.org', 'ADA@EXAMPLE.ORG'])(
  'takes %s for the one address that is allowed, as it was allowed',
  (text) => expect(requireRecipient(text, allowed)).toBe('Ada@example.org'),
);

test.each([
  ['nothing', ''],
  ['no address', 'ada'],
  ['no domain', 'ada@'],
  ['no local part', '@example.com'],
  ['a line feed at the end', 'ada@example.com\n'],
  ['another header after a line break', 'ada@example.com\r\nBcc: eve@evil.example'],
  ['a line break within the local part', 'ada\r\nBcc:eve@example.com'],
  ['a carriage return', 'ada@example.com\rBcc: eve@evil.example'],
  ['a null character', 'ada\0@example.com'],
  ['two addresses with a comma', 'eve@evil.example,ada@example.com'],
  ['two addresses with a semicolon', 'eve@evil.example;ada@example.com'],
  ['two addresses with a space', 'eve@evil.example ada@example.com'],
  ['a display name', 'Ada <ada@example.com>'],
  ['angle brackets', '<ada@example.com>'],
  ['another address in angle brackets', 'eve@evil.example<ada@example.com'],
  ['a comment', 'ada(eve@evil.example)@example.com'],
  ['a group', 'friends:ada@example.com;'],
  ['a quoted local part', '"ada"@example.com'],
  ['an address in a quoted local part', '"eve@evil.example"@example.com'],
  ['a percent hack', 'eve%evil.example@example.com'],
  ['a bang path', 'evil.example!eve@example.com'],
  ['a source route', '@evil.example:ada@example.com'],
  ['two at signs', 'eve@evil.example@example.com'],
  ['a backslash', 'ada\\@evil.example@example.com'],
  ['an address literal', 'ada@[127.0.0.1]'],
  ['an IP address', 'ada@127.0.0.1'],
  ['a host without a domain', 'ada@localhost'],
  ['a Cyrillic letter in the domain', 'ada@ex\u0430mple.com'],
  ['a Cyrillic letter in the local part', '\u0430da@example.com'],
  ['a Kelvin sign, which is a k in lower case', 'ada@\u212a.com'],
  ['a full-width at sign', 'ada\uff20example.com'],
  ['a full stop of another script', 'ada@example\u3002com'],
  ['an invisible character', 'ada@exam\u200bple.com'],
  ['an accent', 'ad\u00e1@example.com'],
  ['an encoded word', '=?utf-8?q?ada?=@example.com'],
  ['a trailing dot', 'ada@example.com.'],
  ['two dots', 'a..da@example.com'],
  ['a space before', ' ada@example.com'],
  ['a local part of 65 characters', `${'a'.repeat(65)}@example.com`],
  ['255 characters', `ada@${'a.'.repeat(120)}example.com`],
  ['a very long text', `${'a.'.repeat(50_000)}@example.com`],
])('refuses %s', (_, text) => {
  expect(() => requireRecipient(text, allowed)).toThrow(
    expect.objectContaining({ code: 'invalid-address', field: notifyHeader }),
  );
});

test.each([
  'ada@evil-example.com',
  'ada@sub.example.com',
  'ada@example.com.evil.org',
  'ada@example.co',
  'ada@xample.com',
  'example.com@evil.example',
  'eve@example.org',
  'ada+eve@example.org',
  'xada@example.org',
  'ada@example.org.evil.example',
])('refuses %s, which is not allowed', (text) => {
  expect(() => requireRecipient(text, allowed)).toThrow(
    expect.objectContaining({ code: 'recipient-not-allowed', field: notifyHeader }),
  );
});

test('refuses every address when none is allowed', () => {
  expect(() => requireRecipient('ada@example.com', [])).toThrow(
    expect.objectContaining({ code: 'recipient-not-allowed' }),
  );
});

test.each([
  '*',
  '@example.com',
  '*.example.com',
  'com',
  'example.com.',
  'https://example.com',
  '',
  'a b.com',
])('refuses to allow %p, which is neither an address nor a domain', (entry) =>
  expect(allowedRecipientsSchema.safeParse([entry]).success).toBe(false),
);

test('masks an address for logs', () => {
  expect(masked('ada.lovelace@example.com')).toBe('a…@example.com');
});
