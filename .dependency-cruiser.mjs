/** What may import what. `npm run boundaries` checks it. */

/** Code that talks to AWS. The shapes of its tables are facts, which constructs and cores share. */
const adapters = '^lambdas/aws/(?![a-z-]+-table\\.ts$)';

/** Where the stack and its settings are put together. */
const assembly = '^lib/(settings|thumbnail-generator[a-z-]*)\\.ts$';

/**
 * A capability can be removed: nothing knows it but its own folders, the assembly, `npm start`, the proofs,
 * the generated documents and the given files.
 */
const knownOnlyTo = (folders, files = []) => ({
  from: { pathNot: [folders, assembly, '^(local|test|bench|bin/docs)/', ...files] },
  to: { path: folders },
});

const rules = {
  'no-cycle-between-files': {
    from: {},
    to: { circular: true },
  },
  'no-cycle-between-folders': {
    scope: 'folder',
    from: { path: '^(lib|lambdas)/' },
    to: { circular: true },
  },
  'image-is-pure': {
    comment: 'Rules about images need no AWS, no HTTP and no decoder.',
    from: { path: '^lambdas/image/' },
    to: { pathNot: ['^lambdas/image/', '/zod/'], dependencyTypesNot: ['core'] },
  },
  'cores-know-adapters-as-types': {
    comment:
      'index.ts and wiring.ts choose adapters, messages.ts reads SQS messages; mail and owners have two each.',
    from: {
      path: '^lambdas/(ingest|resize|notify|reconcile|delete|owners)/',
      pathNot: '/(index|wiring|forgetters|messages|mailer|mail-requests|ownerships|arrival-objects)\\.ts$',
    },
    to: { path: [adapters, 'node_modules/@aws-sdk/'], dependencyTypesNot: ['type-only'] },
  },
  'lambdas-stand-alone': {
    from: { path: '^lambdas/' },
    to: { path: '^(lib|local|containers|bin)/' },
  },
  'containers-run-lambdas': {
    from: { path: '^containers/' },
    to: { path: '^(lib|local|bin)/' },
  },
  'lib-knows-facts-about-lambdas': {
    comment: 'A construct may use schemas, names and limits, but no code that talks to AWS.',
    from: { path: '^lib/' },
    to: {
      path: [
        '^(local|bin)/',
        '^containers/(?!environment\\.ts$)',
        adapters,
        '^lambdas/[^/]+/(index|wiring)\\.ts$',
      ],
    },
  },
  'only-proofs-import-proofs': {
    from: { pathNot: '^(test|bench)/' },
    to: { path: '^(test|bench)/' },
  },
  'emulators-have-one-home': {
    from: { pathNot: ['^local/emulators/', '^test/'] },
    to: { path: 'node_modules/(fauxqs|@20minutes/s3rver|dynalite|aws-ses-v2-local)/' },
  },
  'mail-can-be-removed': knownOnlyTo('^(lambdas|lib)/notify/', [
    '^lambdas/ingest/(environment|extensions|problem)\\.ts$',
    '^bin/commands/verify/checks/mail\\.ts$',
    '^lambdas/delete/(forgetters|proof-listeners)\\.ts$',
  ]),
  'owners-can-be-removed': knownOnlyTo('^(lambdas|lib)/owners/', [
    '^lambdas/ingest/(app|wiring|gateway-callers|own-images-handlers)\\.ts$',
    '^lib/ingest/ingest\\.ts$',
    '^lambdas/delete/(forgetters|messages|proof-listeners|wiring)\\.ts$',
    '^containers/jwt-guard\\.ts$',
    '^bin/(commands/)?delete',
    '^lib/adoption-stack\\.ts$',
  ]),
  'lake-can-be-removed': knownOnlyTo('^(lambdas|lib)/lake/', [
    '^bin/(app|adopt)\\.ts$',
    '^bin/(commands/)?query',
    '^bin/commands/verify/checks/lake\\.ts$',
  ]),
  'containers-can-be-removed': knownOnlyTo('^(lib/)?containers/', ['^bin/commands/preflight/checks/fargate']),
};

export default {
  forbidden: Object.entries(rules).map(([name, rule]) => ({ name, severity: 'error', ...rule })),
  options: {
    // TypeScript 7 has no compiler API, which the default parser for TypeScript would need.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'import', 'types'] },
  },
};
