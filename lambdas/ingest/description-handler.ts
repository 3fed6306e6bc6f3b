import type { Context, Handler } from 'hono';
import type { ApiDescriptionProps } from './openapi.ts';

/** @param apiUrl where the caller reaches the API: with the stage, without a trailing slash */
export const createDescriptionHandler = (
  props: Omit<ApiDescriptionProps, 'apiUrl'>,
  apiUrl: (c: Context) => string,
): Handler => {
  // The description has 50 KB, and every caller may ask for it.
  let latest: { readonly apiUrl: string; readonly text: string } | undefined;
  return async (c) => {
    const url = apiUrl(c);
    if (latest?.apiUrl !== url) {
      // Imported on demand: most processes never serve the description.
      const { describeApi } = await import('./openapi.ts');
      latest = { apiUrl: url, text: `${JSON.stringify(describeApi({ ...props, apiUrl: url }))}\n` };
    }
    return c.body(latest.text, 200, { 'Content-Type': 'application/json' });
  };
};
