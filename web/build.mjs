// Bundles src/ into dist/{index.html,app.js,app.css}.
//   --out FOLDER  there instead of dist/      --tests  only the unit tests, into build/test/
import { build } from 'esbuild';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const common = { bundle: true, absWorkingDir: here, logLevel: 'warning', jsx: 'automatic', jsxImportSource: 'preact' };

async function buildTests() {
  const out = join(here, 'build/test');
  await rm(out, { recursive: true, force: true });
  const entryPoints = (await readdir(join(here, 'test'))).filter((name) => /\.test\.tsx?$/.test(name));
  await build({
    ...common,
    entryPoints: entryPoints.map((name) => join('test', name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    platform: 'node',
    target: 'node18',
  });
}

async function buildPage(out) {
  await mkdir(out, { recursive: true });
  // The bundle contains Preact, whose licence goes with every copy.
  const license = await readFile(join(here, 'node_modules/preact/LICENSE'), 'utf8');
  await build({
    ...common,
    banner: { js: `/*! Preact. ${license.trim()} */` },
    entryPoints: { app: 'src/main.tsx' },
    outdir: out,
    format: 'iife',
    target: ['es2021'],
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
  });
  await copyFile(join(here, 'src/index.html'), join(out, 'index.html'));
}

if (process.argv.includes('--tests')) await buildTests();
else await buildPage(option('--out') ?? join(here, 'dist'));
