/** What a check found. */
export type Outcome =
  | { readonly result: 'ok'; readonly finding: string }
  /** A deployment succeeds, but something will not be as expected. */
  | { readonly result: 'surprise'; readonly finding: string; readonly advice: string }
  /** A deployment fails, or the service does not work after it. */
  | { readonly result: 'fails'; readonly finding: string; readonly advice: string }
  /** It could not be found out. */
  | { readonly result: 'unknown'; readonly finding: string; readonly advice?: string };

export const ok = (finding: string): Outcome => ({ result: 'ok', finding });

export const surprise = (finding: string, advice: string): Outcome => ({
  result: 'surprise',
  finding,
  advice,
});

export const fails = (finding: string, advice: string): Outcome => ({ result: 'fails', finding, advice });

export const unknown = (finding: string, advice?: string): Outcome => ({
  result: 'unknown',
  finding,
  ...(advice === undefined ? {} : { advice }),
});
