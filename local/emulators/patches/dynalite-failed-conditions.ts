/**
 * Patches: the parameters of UpdateItem and `checkConditional` in dynalite.
 * Why: dynalite does not know `ReturnValuesOnConditionCheckFailure`.
 * Restores: a conditional update that fails returns the item when the request asks for it.
 * Upstream issue: https://github.com/architect/dynalite/issues/182
 */
import db from 'dynalite/db/index.js';
import updateItem from 'dynalite/validations/updateItem.js';

const parameter = 'ReturnValuesOnConditionCheckFailure';

export const returnItemsOfFailedConditions = (): void => {
  if (parameter in updateItem.types) return;
  updateItem.types[parameter] = { type: 'String', enum: ['ALL_OLD', 'NONE'] };
  const { checkConditional } = db;
  db.checkConditional = (request, item) => {
    const error = checkConditional(request, item);
    if (error && item && request[parameter] === 'ALL_OLD') Object.assign(error.body, { Item: item });
    return error;
  };
};
