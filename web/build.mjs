// Bundles the report's script and style: node build.mjs NODE_MODULES OUT_DIR. Leaves report.js, report.css,
// the hash of the script for the page's content security policy, and in report.inputs.json the files that all
// of it was made from. Works with Node 18.
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';

const [modules, out] = process.argv.slice(2);
const here = path.dirname(new URL(import.meta.url).pathname);
const esbuild = createRequire(path.join(modules, 'x.js'))('esbuild');

const {metafile} = await esbuild.build({
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
  metafile: true,
});
const script = readFileSync(path.join(out, 'report.js'));
if (script.includes('</script')) throw new Error('the bundle closes its own script element');
writeFileSync(path.join(out, 'report.js.sha256'), createHash('sha256').update(script).digest('base64'));
const inputs = Object.keys(metafile.inputs).map((name) => path.resolve(name)).sort();
writeFileSync(path.join(out, 'report.inputs.json'), JSON.stringify(inputs));
