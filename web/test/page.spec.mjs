// Drives the page with Debian's Chromium.
//   node test/page.spec.mjs [--base URL] [--shots FOLDER] [--chromium PATH]
// Without --base a mock server is started, and what only it can be made to say is tested too.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startMock } from '../mock/server.mjs';

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const shots = option('--shots');
const onlyMock = option('--base') ? 'the server is not the mock' : false;
const COLLECTION = `page-test-${Date.now().toString(36)}`;
const PATIENCE = 60_000; // a real model on a small machine may be slow

let mock;
let base = option('--base')?.replace(/\/$/, '');
let browser;
let axe;

before(async () => {
  if (!base) {
    mock = await startMock({ delay: 8 });
    base = mock.base;
  }
  if (shots) await mkdir(shots, { recursive: true });
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  browser = await chromium.launch({
    executablePath: option('--chromium') ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
});

after(async () => {
  await browser?.close();
  mock?.close();
});

const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 360, height: 740 };

/** A page in a fresh profile; fails when the page throws, breaks its own policy, or asks anybody but the server. */
async function withPage({ maxTokens = 48, ...settings }, work) {
  const context = await browser.newContext({ locale: 'en-US', viewport: WIDE, ...settings });
  if (onlyMock) {
    // A real model need not write more than a test reads.
    await context.addInitScript((tokens) => {
      if (!localStorage.getItem('onmal.settings')) localStorage.setItem('onmal.settings', JSON.stringify({ maxTokens: tokens }));
    }, maxTokens);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (line) => {
    if (/Content Security Policy/.test(line.text())) faults.push(line.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith('data:')) faults.push(`outside: ${request.url()}`);
  });
  try {
    await page.goto(base);
    await page.locator('#composer-input').waitFor();
    await work(page);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** `whole`: also what one would have to scroll to. */
async function shoot(page, name, whole = false) {
  if (!shots) return;
  const size = page.viewportSize();
  if (whole) await page.setViewportSize({ width: size.width, height: 1500 });
  await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled' });
  if (whole) await page.setViewportSize(size);
}

/** No fault that axe calls serious or critical. */
async function assertAccessible(page, where) {
  await page.evaluate(`${axe}; undefined`);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ['violations'] });
    return result.violations
      .filter((fault) => fault.impact === 'serious' || fault.impact === 'critical')
      .map((fault) => `${fault.id}: ${fault.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(found, [], where);
}

async function assertNoSideways(page, where) {
  const extra = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(extra <= 0, `${where} is ${extra} px wider than the screen`);
}

async function say(page, text) {
  await page.locator('#composer-input').fill(text);
  await page.keyboard.press('Enter');
}

const lastAnswer = (page) => page.locator('.message-answer').last();

async function answered(page) {
  await page.locator('.message-answer[aria-busy="false"]').last().waitFor();
  await page.locator('.composer button[type="submit"]').waitFor();
}

async function upload(page, name, text) {
  await page.locator('input[type="file"]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
}

async function addHandbook(page) {
  await page.getByRole('link', { name: 'Documents' }).click();
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name of the new collection').fill(COLLECTION);
  await page.getByRole('button', { name: 'Create' }).click();
  await upload(
    page,
    'leave.txt',
    'Every employee has 15 days of paid leave in the first year.\nRequests are made three days before.',
  );
  if (!onlyMock) await page.locator('.upload progress').waitFor();
  await page.locator('.upload-added').waitFor();
}

async function drop(page, name, text) {
  const files = await page.evaluateHandle(
    ([file, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], file, { type: 'text/plain' }));
      return transfer;
    },
    [name, text],
  );
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: files });
}

test('chat streams an answer, keeps it, and announces it once', async () => {
  await withPage({}, async (page) => {
    await shoot(page, 'chat-empty');
    await assertAccessible(page, 'empty chat');
    await say(page, 'What does a tokenizer do?');
    await page.locator('.message-answer[aria-busy="true"]').waitFor();
    await answered(page);
    assert.ok((await lastAnswer(page).locator('.markdown').innerText()).length > 0);
    await page.locator('[role="status"]', { hasText: 'Answer finished.' }).waitFor({ state: 'attached' });
    await lastAnswer(page).locator('.meter summary').click();
    assert.match(await lastAnswer(page).locator('.meter-table').innerText(), /Tokens written/);
    await shoot(page, 'chat-answer');
    await assertAccessible(page, 'answer');
    await page.reload();
    await page.locator('.conversation-open').first().click();
    await lastAnswer(page).locator('.markdown').waitFor();
  });
});

test('stop ends an answer and keeps what was written', async (t) => {
  await withPage({ maxTokens: 4000 }, async (page) => {
    await say(page, 'Write a very long answer about rivers, at least two thousand words.');
    await lastAnswer(page).locator('.markdown').waitFor();
    const stop = page.getByRole('button', { name: 'Stop', exact: true });
    const stopped = stop.click({ timeout: 30000 }).then(() => true);
    const ended = page.locator('.message-answer[aria-busy="false"]').last().waitFor().then(() => false);
    stopped.catch(() => {});
    ended.catch(() => {});
    // A model may end before it can be stopped; the made-up one goes on.
    if (!(await Promise.race([stopped, ended])) && onlyMock) return t.diagnostic('the model had ended before it could be stopped');
    await lastAnswer(page).getByText('Stopped by you.').waitFor();
    const text = await lastAnswer(page).locator('.markdown').innerText();
    await page.waitForTimeout(300);
    assert.equal(await lastAnswer(page).locator('.markdown').innerText(), text);
  });
});

test('edit and retry replace what follows', async () => {
  await withPage({}, async (page) => {
    await say(page, 'First question');
    await answered(page);
    await say(page, 'Second question');
    await answered(page);
    assert.equal(await page.locator('.message').count(), 4);
    await page.locator('.message-user').first().getByRole('button', { name: 'Edit' }).click();
    await page.locator('.edit-form textarea').fill('First question, changed');
    await page.getByRole('button', { name: 'Send again' }).click();
    await answered(page);
    assert.equal(await page.locator('.message').count(), 2);
    assert.match(await page.locator('.message-user').innerText(), /First question, changed/);
    await lastAnswer(page).getByRole('button', { name: 'Another answer' }).click();
    await answered(page);
    assert.equal(await page.locator('.message').count(), 2);
  });
});

test('several conversations, one deleted, all deleted', async () => {
  await withPage({}, async (page) => {
    await say(page, 'One');
    await answered(page);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await say(page, 'Two');
    await answered(page);
    assert.equal(await page.locator('.conversation-open').count(), 2);
    await page.getByRole('button', { name: 'Delete “Two”' }).click();
    assert.equal(await page.locator('.conversation-open').count(), 1);
    await page.getByRole('button', { name: 'Delete all conversations' }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.waitFor();
    await shoot(page, 'confirm');
    await dialog.getByRole('button', { name: 'Delete all conversations' }).click();
    assert.equal(await page.locator('.conversation-open').count(), 0);
    assert.equal(await page.evaluate(() => localStorage.getItem('onmal.conversations')), null);
  });
});

test('a document is added, cited, opened at the right place, and removed', async () => {
  await withPage({}, async (page) => {
    await addHandbook(page);
    await page.getByRole('rowheader', { name: 'leave.txt' }).waitFor();
    await drop(page, '점심.txt', '점심시간은 열두 시부터 한 시까지입니다.');
    await page.getByRole('rowheader', { name: '점심.txt' }).waitFor();
    await shoot(page, 'documents');
    await assertAccessible(page, 'documents');
    await page.getByRole('link', { name: 'Ask these documents' }).click();
    await say(page, 'How many days of paid leave are there in the first year?');
    await answered(page);
    assert.equal(await lastAnswer(page).locator('.step').count(), 5);
    assert.match(await lastAnswer(page).locator('.steps').innerText(), /ms|\ds/);
    await lastAnswer(page).locator('.citation').first().click();
    await page.locator('.passage-panel mark').waitFor();
    assert.match(await page.locator('.passage-panel mark').innerText(), /15 days/);
    await shoot(page, 'citation');
    await assertAccessible(page, 'citation');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.passage-panel').count(), 0);
    assert.ok(await page.evaluate(() => document.activeElement?.classList.contains('citation')), 'the focus goes back');
    await page.getByRole('link', { name: 'Documents' }).click();
    await page.getByLabel('Collection').selectOption(COLLECTION);
    await page.getByRole('button', { name: 'Remove leave.txt' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('rowheader', { name: 'leave.txt' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove 점심.txt' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('No documents yet.').waitFor();
  });
});

test('attention is drawn, a word chosen by keyboard, the head that links a pair found', async () => {
  await withPage({}, async (page) => {
    await page.getByRole('link', { name: 'Look inside' }).click();
    await page.locator('.lines-strong path').first().waitFor();
    await shoot(page, 'attention', true);
    await assertAccessible(page, 'attention');
    const chosen = page.locator('.lines-queries [aria-selected="true"]');
    assert.equal((await chosen.innerText()).trim(), 'it');
    if (!onlyMock) assert.match(await page.locator('.attention-words').innerText(), /looks at: animal/);
    await chosen.focus();
    await page.keyboard.press('ArrowDown');
    assert.equal((await chosen.innerText()).trim(), 'was');
    await page.getByRole('button', { name: /Head that links them most/ }).click();
    await page.locator('.attention-controls select').selectOption('-1');
    await page.locator('.lines-strong path').first().waitFor({ state: 'attached' });
    await page.getByText('syllables', { exact: true }).click();
    await page.locator('.lines-strong path').first().waitFor({ state: 'attached' });
  });
});

test('next word follows the temperature; tokens and the map are drawn', async () => {
  await withPage({}, async (page) => {
    await page.goto(`${base}/#/look/next`);
    const first = () => page.locator('.bar-value').first().innerText().then(parseFloat);
    await page.locator('.bar').first().waitFor();
    const usual = await first();
    await page.getByLabel('Temperature').fill('0.1');
    const cold = await first();
    assert.ok(cold > usual, `${cold} > ${usual}`);
    await page.getByLabel('Temperature').fill('2');
    assert.ok((await first()) < usual);
    await shoot(page, 'next');
    await assertAccessible(page, 'next');
    await page.locator('.bar').first().click();
    assert.notEqual(await page.locator('.look-form textarea').inputValue(), 'The capital of France is');
    await page.goto(`${base}/#/look/tokens`);
    await page.locator('.token-bar').first().waitFor();
    await shoot(page, 'tokens');
    await assertAccessible(page, 'tokens');
    await page.goto(`${base}/#/look/map`);
    await page.locator('.plane-point').first().waitFor();
    await page.getByLabel('Find a word').fill('king');
    await page.locator('.map-near', { hasText: onlyMock ? 'king' : '왕' }).waitFor();
    await shoot(page, 'map', true);
    await assertAccessible(page, 'map');
  });
});

test('text tools: corrections are shown as changes', async () => {
  await withPage({}, async (page) => {
    await page.getByRole('link', { name: 'Tools' }).click();
    await page.getByText('Correct', { exact: true }).click();
    await page.getByLabel('Text', { exact: true }).fill('이렇게 하면 되요. 누구나 할수 있습니다.');
    await page.getByRole('button', { name: 'Go' }).click();
    await page.locator('.tools-result').waitFor();
    if (!onlyMock) assert.match(await page.locator('.diff ins').first().innerText(), /돼/);
    await shoot(page, 'tools');
    await assertAccessible(page, 'tools');
  });
});

test('resources say whether energy was measured', async () => {
  await withPage({}, async (page) => {
    await page.getByRole('link', { name: 'Usage' }).click();
    await page.locator('.meter-table').waitFor();
    assert.match(await page.locator('.page .note').innerText(), /counters|estimate|cannot tell/);
    await shoot(page, 'resources');
    await assertAccessible(page, 'resources');
  });
});

test('settings: focus stays in the dialog, the key stays in this tab', async () => {
  await withPage({}, async (page) => {
    const opener = page.getByRole('button', { name: 'Settings' });
    await opener.click();
    await page.getByLabel('API key').fill('secret-key');
    await shoot(page, 'settings');
    await assertAccessible(page, 'settings');
    for (let press = 0; press < 30; press += 1) {
      await page.keyboard.press('Tab');
      const inside = await page.evaluate(
        () => !document.activeElement || document.activeElement === document.body || !!document.activeElement.closest('dialog'),
      );
      assert.ok(inside, 'the focus left the dialog');
    }
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.ok(await opener.evaluate((element) => element === document.activeElement));
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('secret-key')), false);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('onmal.key')), 'secret-key');
  });
});

test('skip link and keyboard reach the content', async () => {
  await withPage({}, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  });
});

test('narrow screens: nothing sideways, passages and conversations as dialogs', async () => {
  await withPage({ viewport: NARROW, hasTouch: true }, async (page) => {
    await say(page, 'What does a tokenizer do?');
    await answered(page);
    await assertNoSideways(page, 'chat');
    await shoot(page, 'narrow-chat');
    await assertAccessible(page, 'narrow chat');
    await page.getByRole('button', { name: 'Show conversations' }).click();
    await page.getByRole('dialog').waitFor();
    await shoot(page, 'narrow-conversations');
    await page.keyboard.press('Escape');
    for (const place of ['documents', 'tools', 'look/attention', 'look/next', 'look/map', 'look/tokens', 'resources']) {
      await page.goto(`${base}/#/${place}`);
      await page.waitForTimeout(300);
      await assertNoSideways(page, place);
      await shoot(page, `narrow-${place.replace('/', '-')}`, true);
    }
  });
});

test('dark mode by the system and by the switch', async () => {
  await withPage({ colorScheme: 'dark' }, async (page) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    assert.equal(await theme(), 'dark');
    await say(page, 'What does a tokenizer do?');
    await answered(page);
    await shoot(page, 'dark-chat');
    await assertAccessible(page, 'dark chat');
    await page.goto(`${base}/#/look/attention`);
    await page.locator('.lines-strong path').first().waitFor();
    await shoot(page, 'dark-attention', true);
    await assertAccessible(page, 'dark attention');
    await page.goto(`${base}/#/tools`);
    await assertAccessible(page, 'dark tools');
    await page.getByRole('button', { name: 'Switch to light' }).click();
    assert.equal(await theme(), 'light');
    await page.reload();
    assert.equal(await theme(), 'light');
  });
});

test('Korean: the whole page, and a grounded answer', async () => {
  await withPage({ locale: 'ko-KR' }, async (page) => {
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
    await page.getByRole('heading', { name: '무엇이 궁금하신가요?' }).waitFor();
    if (!onlyMock) {
      await page.getByLabel('답의 바탕').selectOption('handbook');
      await say(page, '연차휴가는 며칠인가요?');
      await answered(page);
      await lastAnswer(page).locator('.citation').nth(1).click();
      await page.locator('.passage-panel mark', { hasText: '3년 이상' }).waitFor();
      await page.locator('.passage-around').first().waitFor();
    }
    await shoot(page, 'korean-citation');
    await assertAccessible(page, 'Korean');
    for (const place of ['documents', 'look/attention', 'look/tokens', 'look/next']) {
      await page.goto(`${base}/#/${place}`);
      await page.waitForTimeout(400);
      await shoot(page, `korean-${place.replace('/', '-')}`);
    }
    await page.getByRole('button', { name: 'English' }).click();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  });
});

test('grounded on a dark narrow screen', { skip: onlyMock }, async () => {
  await withPage({ locale: 'ko-KR', viewport: NARROW, colorScheme: 'dark', hasTouch: true }, async (page) => {
    await page.getByLabel('답의 바탕').selectOption('handbook');
    await say(page, '연차휴가는 며칠인가요?');
    await answered(page);
    await shoot(page, 'dark-narrow-answer');
    await lastAnswer(page).locator('.citation').first().click();
    await page.locator('.passage-panel mark').waitFor();
    await shoot(page, 'dark-narrow-citation');
    await assertAccessible(page, 'dark narrow citation');
    await assertNoSideways(page, 'citation');
    await page.keyboard.press('Escape');
    await page.locator('.passage-panel').waitFor({ state: 'detached' });
  });
});

test('a weak citation says so, and an answer may be missing', { skip: onlyMock }, async () => {
  await withPage({}, async (page) => {
    await page.getByLabel('Answer from').selectOption('handbook');
    await say(page, 'How is leave asked for?');
    await page.locator('.step-active').first().waitFor();
    await shoot(page, 'steps-running');
    await answered(page);
    assert.equal(await lastAnswer(page).locator('.citation-weak').count(), 1);
    await lastAnswer(page).locator('.citation').nth(1).click();
    await page.locator('.passage-panel mark', { hasText: 'From the third year on' }).waitFor();
    await shoot(page, 'grounded');
    await page.getByRole('link', { name: 'Attention between answer and passage' }).click();
    await page.locator('.lines-strong path').first().waitFor({ state: 'attached' });
    assert.match(await page.locator('.look-form textarea').inputValue(), /From the third year on[^]*Later one day/);
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await say(page, 'An unknown thing?');
    await answered(page);
    await lastAnswer(page).getByText('do not seem to hold the answer').waitFor();
  });
});

test('markup in an answer is text', { skip: onlyMock }, async () => {
  await withPage({}, async (page) => {
    await say(page, 'Answer with markup');
    await answered(page);
    assert.match(await lastAnswer(page).locator('.markdown').innerText(), /<img src=x onerror=/);
    assert.equal(await page.locator('.markdown img, .markdown script, .markdown a[href^="javascript"]').count(), 0);
    assert.equal(await page.evaluate(() => window.attacked), undefined);
  });
});

test('moderation is marks under words', { skip: onlyMock }, async () => {
  await withPage({}, async (page) => {
    await say(page, 'Say something rude, you idiot');
    await answered(page);
    assert.equal(await page.locator('.message-answer .moderation-mark').count(), 2);
    assert.equal(await page.locator('.message-user .moderation-mark').count(), 1);
    assert.match(await page.locator('.message-answer .mark-key').innerText(), /insult, 83/);
    await shoot(page, 'marks');
    await assertAccessible(page, 'marks');
  });
});

test('failures are said in plain words, with what to do', { skip: onlyMock }, async () => {
  await withPage({}, async (page) => {
    await say(page, 'Answer with 429');
    const failure = page.locator('.failure');
    await failure.waitFor();
    assert.match(await failure.innerText(), /The server is busy\. Try again in 7 seconds\./);
    await shoot(page, 'failure');
    await assertAccessible(page, 'failure');
    await say(page, 'Please break off');
    await page.getByText('The answer broke off.').waitFor();
    assert.ok((await lastAnswer(page).locator('.markdown').innerText()).length > 0, 'what came is kept');
    await page.getByRole('link', { name: 'Documents' }).click();
    await upload(page, 'program.exe', 'MZ');
    await page.locator('.upload-state', { hasText: 'Not added: no text can be read' }).waitFor();
  });
});
