// The report's page in a headless browser: node page_test.mjs MAKE_SAMPLE NODE_MODULES CHROMIUM SCREENSHOTS.
// Every chart is drawn, nothing is requested, nothing errs, nothing overflows a telephone, hostile names stay
// text, two clicks lead from a number to its raw samples, and text and tables stand without JavaScript.
// Screenshots are left behind.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [makeSample, modules, chromium, screenshots] = process.argv.slice(2);
const {chromium: browserType} = createRequire(path.join(modules, 'x.js'))('playwright-core');
const folder = mkdtempSync(path.join(os.tmpdir(), 'assay-page-'));
const desktop = {
  width: 1280,
  height: 900
};
const phone = {
  width: 360,
  height: 780
};
const page_limit_bytes = 2_000_000;

// Opens a sample and fails on whatever a page must not do.
async function open(browser, name, {viewport = desktop, scheme = 'light', script = true} = {}) {
  const context = await browser.newContext(
      {viewport, colorScheme: scheme, javaScriptEnabled: script, deviceScaleFactor: 1});
  context.setDefaultTimeout(120_000);   // others may share the machine
  const page = await context.newPage();
  const url = pathToFileURL(path.join(folder, `${name}.html`)).href;
  const wrongs = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrongs.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrongs.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) wrongs.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    wrongs.push('dialog');
    dialog.dismiss();
  });
  await page.goto(url);
  if (script) await page.waitForSelector('html[data-ready]', {state: 'attached'});
  return {context, page, wrongs};
}

async function overflow_px(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// Figures whose drawing has no shape of some size.
async function empty_charts(page) {
  return page.evaluate(
      () => Array.from(document.querySelectorAll('figure.chart'))
                .filter((figure) => {
                  const shapes = Array.from(figure.querySelectorAll(
                      '.plot svg path, .plot svg rect, .plot svg circle, .plot svg line'));
                  const drawn = shapes.filter((shape) => {
                    const box = shape.getBoundingClientRect();
                    return box.width > 0 || box.height > 0;
                  });
                  return drawn.length < 3 || figure.querySelectorAll('.plot svg text').length < 1;
                })
                .map((figure) => figure.id));
}

// Of the texts of a chart that are not turned, those that share more than the edge of a line; run in the page.
function overlapping_names(id) {
  const texts = Array.from(document.querySelectorAll(`#${id} .plot svg text`))
                    .filter((text) => Math.abs(text.getCTM().b) < 0.01)
                    .map((text) => ({name: text.textContent, box: text.getBoundingClientRect()}));
  const clashes = [];
  texts.forEach((a, i) => {
    for (const b of texts.slice(i + 1)) {
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (wide > 2 && high > 4) clashes.push(`${a.name} | ${b.name}`);
    }
  });
  return {names: texts.length, clashes};
}

// Each gets the browser, and a sample's page that those share which only look.
const stories = {
  'every chart is drawn, at every width and in both schemes': async (browser) => {
    for (const name of ['sample', 'hostile']) {
      for (const [place, viewport] of [['desktop', desktop], ['phone', phone]]) {
        // Each scheme at each width once over both samples would only repeat itself: the hostile one is
        // looked at in the light.
        for (const scheme of name === 'sample' ? ['light', 'dark'] : ['light']) {
          const {context, page, wrongs} = await open(browser, name, {viewport, scheme});
          const figures = await page.locator('figure.chart').count();
          assert.ok(figures >= 20, `${figures} charts`);
          assert.equal(
              await page.getAttribute('html', 'data-ready'), String(figures), 'each figure has its data');
          assert.deepEqual(await empty_charts(page), [], `${name}, ${place}, ${scheme}`);
          assert.ok(
              await overflow_px(page) <= 0, `${name} overflows a ${place} by ${await overflow_px(page)} px`);
          if (name === 'sample') {   // seconds each, and the hostile one differs by names only
            await page.screenshot(
                {path: path.join(screenshots, `${name}-${place}-${scheme}.png`), fullPage: true});
          }
          await page.screenshot({path: path.join(screenshots, `${name}-${place}-${scheme}-first.png`)});
          assert.deepEqual(wrongs, [], `${name}, ${place}, ${scheme}`);
          await context.close();
        }
      }
    }
  },

  'no name of a roofline stands on another': async (browser) => {
    for (const viewport of [desktop, phone]) {
      const {context, page} = await open(browser, 'sample', {viewport});
      for (const id of ['roofline-0', 'roofline-1']) {
        const {names, clashes} = await page.evaluate(overlapping_names, id);
        assert.ok(names > 10, `${names} names in ${id}`);
        assert.deepEqual(clashes, [], `${id} at ${viewport.width} px`);
      }
      await context.close();
    }
  },

  'capacity and sweep stand in chart and table': async (_, page) => {
    const text = await page.locator('#q2').innerText();
    assert.match(text, /holds [\d.]+ \([\d.]+–[\d.]+\) requests\/s within every limit/);
    assert.match(text, /tier relaxed/);
    assert.match(text, /4 arrivals\/s/);
    for (const id of ['capacity-0-0', 'capacity-0-1', 'sweep-rate-ttft_ms', 'sweep-rate-tpot_ms'])
      assert.ok(await page.locator(`#${id} .plot svg`).isVisible(), id);
  },

  'the mix stands on one screen: limits kept, interference, joint goodput': async (_, page) => {
    const boxes = [];
    for (const id of ['attainment', 'interference', 'capacity-0-0']) {
      assert.ok(await page.locator(`#${id} .plot svg`).isVisible(), id);
      boxes.push(await page.locator(`#${id}`).boundingBox());
    }
    const top = Math.min(...boxes.map((box) => box.y));
    const bottom = Math.max(...boxes.map((box) => box.y + box.height));
    assert.ok(bottom - top <= desktop.height, `${bottom - top} px`);
  },

  'the eight questions stand on the first screen with word and shape': async (_, page) => {
    const rows = page.locator('.answers li');
    assert.equal(await rows.count(), 8);
    for (let i = 0; i < 8; ++i)
      assert.match(await rows.nth(i).innerText(), /[✓✗○]\s*(yes|no|not examined)/);
    const box = await page.locator('.answers').boundingBox();
    assert.ok(box.y + box.height <= desktop.height, 'all eight are seen at once');
  },

  'hostile names stay text': async (browser) => {
    const {context, page} = await open(browser, 'hostile');
    assert.equal(await page.evaluate(() => window.broken), undefined);
    assert.equal(await page.locator('img').count(), 0);
    assert.match(await page.locator('h1').innerText(), /<\/script>/);
    // Tips are made by script: they must not take names for markup either.
    for (const id of ['attainment', 'waterfall-0-0', 'timeline-0']) {
      const box = await page.locator(`#${id} .plot`).boundingBox();
      await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
      await page.locator(`#${id} .plot`).scrollIntoViewIfNeeded();
      await page.locator(`#${id} .plot`).hover();
    }
    assert.equal(await page.evaluate(() => window.broken), undefined);
    await context.close();
  },

  'hardware and tooling stand in words and shapes': async (browser) => {
    const {context, page, wrongs} = await open(browser, 'sample', {viewport: phone, script: false});
    const section = page.locator('#hardware');
    const text = await section.innerText();
    for (const state of ['● present', '○ not installed here', '✕ the vendor has none', '— unknown'])
      assert.ok(text.replaceAll('\u00a0', ' ').includes(state), state);
    assert.match(text, /a clone of NVIDIA CUDA that claims 10\.2\.89/);
    assert.match(text, /libixml\.so .*did not answer within 2\.5 s/);
    // The gravest finding is the first.
    assert.match(await section.locator('.findings li').first().innerText(), /doubtful/);
    assert.deepEqual(await section.locator('td').evaluateAll((cells) => cells.filter((cell) => !cell.innerText.trim()).length), 0);
    assert.deepEqual(wrongs, []);
    await context.close();
  },

  'two clicks lead from a number to its raw samples': async (browser) => {
    const {context, page} = await open(browser, 'sample');
    // A search for capacity keeps what its trials counted, and no requests.
    const number = page.locator('#q2 .table', {hasText: 'Service in the mix'}).locator('a.v.measured').first();
    const record = await number.getAttribute('href');
    await number.click();
    assert.ok(await page.locator(record).isVisible(), 'the record is unfolded');
    await page.locator('details.trial[open] .raw button').first().click();
    assert.ok(await page.locator('details.trial[open] .raw table tbody tr').count() > 50);
    assert.match(
        await page.locator('details.trial[open] .raw').first().innerText(),
        /assay report sample\.dossier -o/);
    await context.close();
  },

  'tables sort by keyboard and copy as TSV': async (browser) => {
    const {context, page} = await open(browser, 'sample');
    const head = page.locator('#silicon .table th.num').first();
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    const values = await page.locator('#silicon .table')
                       .first()
                       .locator('tbody tr td:nth-child(2)')
                       .evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.sort)));
    assert.deepEqual(values, [...values].sort((a, b) => a - b));
    await page.evaluate(() => {
      document.execCommand = () => {
        window.copied = document.activeElement.value;
        return true;
      };
      navigator.clipboard.writeText = () => Promise.reject(new Error('none'));
    });
    await page.locator('#silicon .table + .copy').first().click();
    await page.waitForFunction(() => window.copied !== undefined);
    const lines = (await page.evaluate(() => window.copied)).trim().split('\n');
    assert.ok(
        lines.length > 3 && lines.every((line) => line.split('\t').length === lines[0].split('\t').length));
    await context.close();
  },

  'text and tables stand without JavaScript': async (browser) => {
    for (const viewport of [desktop, phone]) {
      const {context, page} = await open(browser, 'sample', {viewport, script: false});
      const text = await page.locator('main').innerText();
      for (const words
               of ['Is it fast enough under our mix?', 'Where the speed goes', 'Charts need JavaScript'])
        assert.ok(text.includes(words), words);
      assert.ok(await page.locator('table').count() > 10);
      assert.ok(
          await page.locator('.answers .reason')
              .evaluateAll(
                  (cells) => cells.every((cell) => cell.getBoundingClientRect().right <= window.innerWidth)),
          'no reason leaves the page');
      await context.close();
    }
  },

  'it prints light and unfolded': async (browser) => {
    const {context, page, wrongs} = await open(browser, 'sample', {scheme: 'dark'});
    const pdf = await page.pdf({format: 'A4', path: path.join(screenshots, 'sample.pdf')});
    assert.ok(pdf.length > 50_000);
    await page.emulateMedia({media: 'print', colorScheme: 'dark'});
    assert.equal(
        await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
    assert.deepEqual(await empty_charts(page), []);
    await page.screenshot({path: path.join(screenshots, 'sample-print.png')});
    assert.deepEqual(wrongs, []);
    await context.close();
  },

  'the page is one small file': async () => {
    const bytes = readFileSync(path.join(folder, 'sample.html'));
    assert.ok(bytes.length < page_limit_bytes, `${bytes.length} bytes`);
    assert.ok(
        !/(src|href)="(https?:)?\/\//.test(bytes.toString('utf8').replace(/<script>[^]*<\/script>/, '')),
        'nothing of it lies elsewhere');
  },
};

mkdirSync(screenshots, {recursive: true});
execFileSync(makeSample, [folder], {stdio: 'inherit'});
const browser = await browserType.launch({
  executablePath: chromium,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'
  ],
});
const {page: looked_at} = await open(browser, 'sample');
let failures = 0;
for (const [name, story] of Object.entries(stories)) {
  try {
    await story(browser, looked_at);
    console.log(`ok    ${name}`);
  } catch (error) {
    ++failures;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}
await browser.close();
if (process.env.ASSAY_KEEP_PAGES)
  console.log(`pages in ${folder}`);
else
  rmSync(folder, {recursive: true});
process.exit(failures > 0 ? 1 : 0);
