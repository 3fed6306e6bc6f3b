// Loaded before a command of package.json. Plain JavaScript, so that an old Node.js can run it.

// Older versions do not run TypeScript.
const minMajor = 24;

if (Number(process.versions.node.split('.')[0]) < minMajor) {
  console.error(
    `\nThis needs Node.js ${minMajor} or newer, and is running on ${process.versions.node}. Run "npm ci" first: it installs Node.js ${minMajor} for the scripts of this project.\n`,
  );
  process.exit(1);
}
