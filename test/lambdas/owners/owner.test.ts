import { callerOfToken, ownerOfArn, ownerOfSubject } from '../../../lambdas/owners/owner.ts';

const issuer = 'https://idp.example';

describe('the owner of a token', () => {
  test('is the subject of its issuer, and does not show either', () => {
    const { owner } = callerOfToken(issuer, 'sub', { sub: 'alice@example.com' });
    expect(owner).toMatch(/^[\w-]{43}$/);
    expect(callerOfToken(issuer, 'sub', { sub: 'alice@example.com', name: 'Alice' }).owner).toBe(owner);
    expect(ownerOfSubject(issuer, 'alice@example.com')).toBe(owner);
    expect(ownerOfSubject('https://other.example', 'alice@example.com')).not.toBe(owner);
    expect(ownerOfSubject(issuer, 'bob@example.com')).not.toBe(owner);
  });

  test('cannot be shifted between the issuer and the subject', () => {
    expect(ownerOfSubject('https://idp.example/a', 'b')).not.toBe(
      ownerOfSubject('https://idp.example/', 'ab'),
    );
    expect(ownerOfSubject(issuer, '","x')).not.toBe(ownerOfSubject(`${issuer}","`, 'x'));
  });

  test('is the value of another claim if the settings name one', () => {
    expect(callerOfToken(issuer, 'oid', { sub: 'per client', oid: 'person' }).owner).toBe(
      ownerOfSubject(issuer, 'person'),
    );
  });

  test('is the same for a number and its text, because API Gateway passes texts', () => {
    expect(callerOfToken(issuer, 'uid', { uid: 17 })).toEqual(callerOfToken(issuer, 'uid', { uid: '17' }));
  });

  test.each([
    [{}],
    [{ sub: '' }],
    [{ sub: null }],
    [{ sub: ['alice'] }],
    [{ sub: { id: 'alice' } }],
    [{ sub: true }],
    [{ sub: 1.5 }],
    // This is also what 2 ** 53 + 1 becomes.
    [{ sub: 2 ** 53 }],
  ])('is refused for the claims %j', (claims) => {
    expect(() => callerOfToken(issuer, 'sub', claims)).toThrow(
      expect.objectContaining({ code: 'owner-unknown', message: expect.stringContaining('"sub"') }),
    );
  });
});

describe('the owner of an ARN', () => {
  test('is the same for all sessions of a role, and for the role itself with or without its path', () => {
    const arns = [
      'arn:aws:sts::111122223333:assumed-role/Uploader/i-0123456789abcdef0',
      'arn:aws:sts::111122223333:assumed-role/Uploader/me@example.com',
      'arn:aws:sts::111122223333:assumed-role/Uploader',
      'arn:aws:iam::111122223333:role/Uploader',
      'arn:aws:iam::111122223333:role/teams/photos/Uploader',
    ];
    expect(new Set(arns.map(ownerOfArn)).size).toBe(1);
  });

  test('differs between roles, users, accounts, partitions and subjects', () => {
    const owners = [
      'arn:aws:sts::111122223333:assumed-role/Uploader/one',
      'arn:aws:sts::111122223333:assumed-role/Other/one',
      'arn:aws:sts::444455556666:assumed-role/Uploader/one',
      'arn:aws-cn:sts::111122223333:assumed-role/Uploader/one',
      'arn:aws:iam::111122223333:user/Uploader',
      'arn:aws:iam::111122223333:user/teams/Uploader',
      'arn:aws:sts::111122223333:federated-user/Uploader',
      'arn:aws:iam::111122223333:root',
    ].map(ownerOfArn);
    expect(new Set(owners).size).toBe(owners.length);
  });
});
