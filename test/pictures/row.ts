/** A file of one kind, which must get a thumbnail that looks as Chromium shows the file. */
export interface Row {
  /** What the file has in common with others. */
  readonly kind: string;
  readonly name: string;
  readonly make: () => Promise<Buffer> | Buffer;
  /** Why its thumbnail is meant to differ, or why one of the two refuses it. @default - it looks the same */
  readonly differs?: string;
  /**
   * Of a damaged file we may show parts, or a file, that Chromium leaves out. Only what Chromium shows is
   * compared. @default false
   */
  readonly mayShowMore?: boolean;
}

type Files = Readonly<Record<string, Row['make']>>;

/** Rows of one kind, by their names. */
export const rowsOf = (kind: string, files: Files): readonly Row[] =>
  Object.entries(files).map(([name, make]) => ({ kind, name: `${kind}: ${name}`, make }));

/** Rows whose thumbnails differ from what Chromium shows, on purpose. */
export const differingRows = (kind: string, differs: string, files: Files): readonly Row[] =>
  rowsOf(kind, files).map((row) => ({ ...row, differs }));

/** Rows of damaged files, of which we may show more than Chromium does. */
export const damagedRows = (kind: string, files: Files): readonly Row[] =>
  rowsOf(kind, files).map((row) => ({ ...row, mayShowMore: true }));

/** The beginnings of a file, by how much of it is left in percent. */
export const cutRows = (
  kind: string,
  make: Row['make'],
  percents: readonly number[] = [10, 20, 30, 40, 50, 60, 70, 80, 90],
): readonly Row[] =>
  percents.flatMap((percent) =>
    damagedRows(kind, {
      [`${percent} %`]: async () => {
        const bytes = await make();
        return bytes.subarray(0, Math.round((bytes.length * percent) / 100));
      },
    }),
  );
