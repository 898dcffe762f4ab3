// Bundles the report's script and style: node build.mjs NODE_MODULES OUT_DIR. Leaves report.js, report.css
// and the hash of the script for the page's content security policy. Works with Node 18.
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';

const [modules, out] = process.argv.slice(2);
const here = path.dirname(new URL(import.meta.url).pathname);
const esbuild = createRequire(path.join(modules, 'x.js'))('esbuild');

await esbuild.build({
  entryPoints: [path.join(here, 'report.ts'), path.join(here, 'report.css')],
  outdir: out,
  bundle: true,
  minify: true,
  charset: 'utf8',
  format: 'iife',
  target: ['es2020'],
  legalComments: 'none',
  nodePaths: [modules],
  logLevel: 'warning',
});
const script = readFileSync(path.join(out, 'report.js'));
if (script.includes('</script')) throw new Error('the bundle closes its own script element');
writeFileSync(path.join(out, 'report.js.sha256'), createHash('sha256').update(script).digest('base64'));
