import { readSettings } from '../../lib/settings.ts';

const message = (given: Readonly<Record<string, unknown>>): string => {
  try {
    readSettings(given);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('The settings were accepted.');
};

test.each([
  [{ variant: '[]' }, 'variant: no such setting. Did you mean variants?'],
  [{ maxPixel: 1 }, 'maxPixel: no such setting. Did you mean maxPixels?'],
  [{ maxPixles: 1 }, 'maxPixles: no such setting. The settings are stackName, '],
  [{ variants: '[{name:"a"}]' }, 'variants is not valid JSON: [{name:"a"}]'],
  [{ email: '{"from":"x"}' }, 'email.from = "x": one plain address, such as me@example.com'],
  [
    { alerts: { emails: ['nobody'] } },
    'alerts.emails.0 = "nobody": one plain address, such as me@example.com',
  ],
  [{ email: '{"from":"me@example.com"}' }, 'email.allowedRecipients (not set): must be set'],
  [{ variants: '[{"name":"card","width":5000}]' }, 'variants.0 ("card").width = 5000: at most 4096'],
  [{ variants: [{ name: 'a', height: 0 }] }, 'variants.0 ("a").height = 0: at least 1'],
  [{ variants: [{ name: 'a', width: 'wide' }] }, 'variants.0 ("a").width = "wide": expected '],
  [{ variants: [{ name: 'a', heigth: 9 }] }, 'variants.0 ("a").heigth: no such setting.'],
  [{ retention: '{"originalDay":3}' }, 'retention.originalDay: no such setting.'],
  [{ maxUploadBytes: '2000000' }, 'maxUploadBytes = "2000000": not less than maxInlineBytes (4700000)'],
  [{ corsOrigins: '["https://a.example/"]' }, 'expected a list of origins'],
  [{ corsOrigins: ['*', 'https://a.example'] }, 'expected a list of origins'],
  [{ auth: 'iam', uploadPage: true }, 'uploadPage = true: needs auth "none"'],
])('%j says what is wrong', (given, expected) => {
  expect(message(given)).toContain(expected);
});

test('says each thing once', () => {
  const lines = message({ email: '{"from":"x","allowedRecipients":["example.com"]}' }).split('\n');
  expect(lines).toHaveLength(2);
});

test.each([[['https://a.example', 'http://localhost:5173']], [['*']], [[]]])(
  'accepts the origins %j',
  (corsOrigins) => expect(readSettings({ corsOrigins })).toMatchObject({ corsOrigins }),
);
