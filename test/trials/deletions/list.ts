import * as z from 'zod';

const pageSchema = z.object({
  images: z.array(z.object({ id: z.string() })),
  next: z.string().optional(),
});

/** The images of one reply of `GET /images`. */
export const idsOfPage = (text: string): readonly string[] =>
  pageSchema.parse(JSON.parse(text)).images.map(({ id }) => id);

/** The URL of the next page; undefined after the last one. */
export const nextOfPage = (apiUrl: string, text: string): string | undefined => {
  const { next } = pageSchema.parse(JSON.parse(text));
  return next === undefined ? undefined : `${apiUrl}/images?limit=3&cursor=${encodeURIComponent(next)}`;
};

/** All images that an owner sees. */
export const listAll = async (apiUrl: string, token: string): Promise<readonly string[]> => {
  const listed: string[] = [];
  let url: string | undefined = `${apiUrl}/images?limit=3`;
  for (let pages = 0; url !== undefined && pages < 1000; pages += 1) {
    const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`A list got ${response.status} ${text}`);
    listed.push(...idsOfPage(text));
    url = nextOfPage(apiUrl, text);
  }
  return listed;
};
