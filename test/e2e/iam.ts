import * as z from 'zod';
import { ownersAuthorization } from './emulator.ts';

const policySchema = z.looseObject({
  Statement: z.array(z.looseObject({ Action: z.union([z.string(), z.array(z.string())]) })),
});

/** The roles of the app, by the start of their logical ids. */
export type RoleId =
  | 'IngestFunctionRole'
  | 'IngestUrlSigner'
  | 'ResizeFunctionRole'
  | 'NotifyFunctionRole'
  | 'ReconcilerFunctionRole';

export interface UserCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Changes permissions as the owner of the account. */
export interface Iam {
  /** Removes an action from a role's policy during a step. */
  without<Result>(
    stackName: string,
    roleId: RoleId,
    action: string,
    step: () => Promise<Result>,
  ): Promise<Result>;
  /** Creates a user with the permissions of the statements. */
  createUser(name: string, statements: readonly object[]): Promise<UserCredentials>;
}

export const createIam = (endpoint: string): Iam => {
  const call = async (Action: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { Authorization: ownersAuthorization('iam') },
      body: new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }),
    });
    const xml = await response.text();
    if (!response.ok) throw new Error(`IAM replied ${response.status} to ${Action}: ${xml}`);
    return xml;
  };

  const valuesOf = (xml: string, element: string): readonly string[] =>
    [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(([, value = '']) => value);

  const only = (values: readonly string[], what: string): string => {
    const [value, ...others] = values;
    if (value === undefined || others.length > 0)
      throw new Error(`Expected one ${what} but received ${values.join() || 'none'}`);
    return value;
  };

  return {
    async without(stackName, roleId, action, step) {
      const roleNames = valuesOf(await call('ListRoles'), 'RoleName');
      const RoleName = only(
        roleNames.filter((name) => name.startsWith(`${stackName}-${roleId}`)),
        `${roleId} of ${stackName}`,
      );
      const names = valuesOf(await call('ListRolePolicies', { RoleName }), 'member');
      const PolicyName = only(names, `policy of ${RoleName}`);
      const encoded = only(
        valuesOf(await call('GetRolePolicy', { RoleName, PolicyName }), 'PolicyDocument'),
        'document',
      );
      const PolicyDocument = decodeURIComponent(encoded);
      const policy = policySchema.parse(JSON.parse(PolicyDocument));
      const left = policy.Statement.flatMap(({ Action, ...rest }) => {
        const actions = [Action].flat().filter((granted) => granted !== action);
        return actions.length > 0 ? [{ ...rest, Action: actions }] : [];
      });
      expect(JSON.stringify(policy)).toContain(`"${action}"`);
      const put = (document: string) =>
        call('PutRolePolicy', { RoleName, PolicyName, PolicyDocument: document });
      await put(JSON.stringify({ ...policy, Statement: left }));
      try {
        return await step();
      } finally {
        await put(PolicyDocument);
      }
    },

    async createUser(UserName, Statement) {
      await call('CreateUser', { UserName });
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
      if (Statement.length > 0) {
        await call('PutUserPolicy', { UserName, PolicyName: 'Granted', PolicyDocument });
      }
      const xml = await call('CreateAccessKey', { UserName });
      return {
        accessKeyId: only(valuesOf(xml, 'AccessKeyId'), 'access key'),
        secretAccessKey: only(valuesOf(xml, 'SecretAccessKey'), 'secret'),
      };
    },
  };
};
