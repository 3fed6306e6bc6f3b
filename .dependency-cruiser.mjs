/** What may import what. `npm run boundaries` checks it. */

/** Code that talks to AWS. The shapes of its tables are facts, which constructs and cores share. */
const adapters = '^lambdas/aws/(?![a-z-]+-table\\.ts$)';

/** Where the stack and its settings are put together. */
const assembly = '^lib/(settings|thumbnail-generator[a-z-]*)\\.ts$';

/**
 * A capability can be removed: nothing knows it but its own folders, the assembly, `npm start`, the proofs,
 * the generated documents and the given files.
 */
const removable = (capability, severity, folders, files = []) => ({
  name: `${capability}-can-be-removed`,
  severity,
  from: { pathNot: [folders, assembly, '^(local|test|bench|bin/docs)/', ...files] },
  to: { path: folders },
});

export default {
  forbidden: [
    {
      name: 'no-cycle-between-files',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-cycle-between-folders',
      severity: 'warn',
      scope: 'folder',
      from: { path: '^(lib|lambdas)/' },
      to: { circular: true },
    },
    {
      name: 'image-is-pure',
      comment: 'Rules about images need no AWS, no HTTP and no decoder.',
      severity: 'error',
      from: { path: '^lambdas/image/' },
      to: { pathNot: ['^lambdas/image/', '/zod/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'cores-know-adapters-as-types',
      comment:
        'index.ts and wiring.ts choose adapters, messages.ts reads SQS messages, and mail has two adapters.',
      severity: 'warn',
      from: {
        path: '^lambdas/(ingest|resize|notify|reconcile)/',
        pathNot: '/(index|wiring|messages|mailer|mail-requests)\\.ts$',
      },
      to: { path: [adapters, 'node_modules/@aws-sdk/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'lambdas-stand-alone',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^(lib|local|containers|bin)/' },
    },
    {
      name: 'containers-run-lambdas',
      severity: 'error',
      from: { path: '^containers/' },
      to: { path: '^(lib|local|bin)/' },
    },
    {
      name: 'lib-knows-facts-about-lambdas',
      comment: 'A construct may use schemas, names and limits, but no code that talks to AWS.',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        path: [
          '^(local|bin)/',
          '^containers/(?!environment)',
          adapters,
          '^lambdas/[^/]+/(index|wiring)\\.ts$',
        ],
      },
    },
    {
      name: 'only-proofs-import-proofs',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'emulators-have-one-home',
      severity: 'error',
      from: { pathNot: ['^local/emulators/', '^test/'] },
      to: { path: 'node_modules/(fauxqs|@20minutes/s3rver|dynalite|aws-ses-v2-local)/' },
    },
    removable('mail', 'warn', '^(lambdas|lib)/notify/', [
      '^lambdas/ingest/(environment|extensions|problem)\\.ts$',
    ]),
    removable('lake', 'error', '^(lambdas|lib)/lake/', ['^bin/app\\.ts$', '^bin/(commands/)?query']),
    removable('containers', 'warn', '^(lib/)?containers/'),
  ],
  options: {
    // TypeScript 7 has no compiler API, which the default parser for TypeScript would need.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'import', 'types'] },
  },
};
