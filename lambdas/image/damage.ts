/** What becomes of a damaged original: what it shows is rendered, or it fails as `image-corrupt`. */
export const damagedChoices = ['render', 'refuse'] as const;

/** What may be wrong with an original of which something can be shown. */
export const damageKinds = ['incomplete', 'damaged'] as const;

export type DamageKind = (typeof damageKinds)[number];

/** One sentence for the person whose image it is. It also fits where no thumbnail was made. */
export const damageSentences: Readonly<Record<DamageKind, string>> = {
  incomplete: 'The file is incomplete. Was the upload cut off?',
  damaged: 'Parts of the file are damaged, so the picture may not look as it should.',
};

/** Why there is no thumbnail at all. */
export const nothingToShow: Readonly<Record<DamageKind, string>> = {
  incomplete: 'The file ends before its picture begins. Was the upload cut off?',
  damaged: 'The file is damaged, and nothing of its picture can be shown. Does another program open it?',
};
