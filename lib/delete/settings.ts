import { setting, wholeNumber } from '../setting.ts';

export const deletionSettings = {
  deletedDays: setting(wholeNumber(1, 3650), 30).describe(
    'Days for which the link of a deleted image replies 410; then it replies 404, as for an unknown image.',
  ),
};
