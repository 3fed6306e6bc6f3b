import { flag, setting } from '../setting.ts';

export const lakeSettings = {
  dataLake: setting(flag(), false).describe('Keeps all events in a stack of their own, to query with SQL.'),
};
