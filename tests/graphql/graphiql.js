// Opens GraphiQL in a headless Chromium that reaches nothing but the server of TANDEM_URL, runs the examples of its
// tabs, and fails on any error in the console. With SCREENSHOT=file.png it leaves a picture:
//
//   TANDEM_URL=http://127.0.0.1:8000 SCREENSHOT=graphiql.png node graphiql.js

import assert from "node:assert/strict";
import { launch } from "puppeteer-core";

const { TANDEM_URL, SCREENSHOT } = process.env;

const browser = await launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  defaultViewport: { width: 1400, height: 900 },
});
try {
  const page = await browser.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("requestfailed", (request) => faults.push(`request: ${request.url()}`));
  const strangers = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(TANDEM_URL) && !request.url().startsWith("data:")) strangers.push(request.url());
  });

  await page.goto(`${TANDEM_URL}/graphiql`);
  await page.waitForSelector(".graphiql-execute-button");
  const tabs = await page.$$(".graphiql-tab-button");
  assert.equal(tabs.length, 4, "a tab for each example");

  const texts = () => page.$$eval(".CodeMirror", (editors) => editors.map((editor) => editor.CodeMirror.getValue()));
  await page.waitForFunction(() => document.querySelectorAll(".CodeMirror").length > 2);
  const headers = (await texts()).join("\n");
  assert.match(headers, /"Authorization": "Bearer ey/, "the token is filled in");

  // GraphiQL learns a moment after a tab was opened which operation is in it.
  const run = async (tab, expected) => {
    await tab.click();
    for (let tries = 0; tries < 50; tries += 1) {
      const answered = page.waitForResponse((response) => response.url() === `${TANDEM_URL}/graphql`);
      await page.click(".graphiql-execute-button");
      if ((await (await answered).text()).includes(expected)) break;
    }
    const isShown = (text) => document.querySelector(".result-window")?.textContent.includes(text);
    await page.waitForFunction(isShown, { timeout: 10_000 }, expected);
  };
  await run(tabs[0], "Water plants");
  await run(tabs[1], '"createTask"');
  await run(tabs[2], '"totalCount"');

  // The fourth one goes on: what is done elsewhere is shown as it happens.
  const isShown = (text) => page.$eval(".result-window", (result, text) => result.textContent.includes(text), text);
  const shows = async (text, patience) => {
    for (const until = Date.now() + patience; Date.now() < until; ) {
      if (await isShown(text)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  };
  await tabs[3].click();
  for (let tries = 0; tries < 10 && !(await isShown('"cursor"')); tries += 1) {
    await page.click(".graphiql-execute-button");
    await shows('"cursor"', 1000);
  }
  await page.evaluate(async () => {
    const { headers } = JSON.parse(document.getElementById("settings").textContent);
    const create = { query: 'mutation { createTask(input: { title: "Seen at once" }) { id } }' };
    const options = { method: "POST", headers: { "content-type": "application/json", ...headers } };
    await fetch("/graphql", { ...options, body: JSON.stringify(create) });
  });
  assert.ok(await shows("Seen at once", 10_000), "the change is shown");

  await page.click('[aria-label="Show Documentation Explorer"]');
  await page.waitForFunction(() => document.querySelector(".graphiql-doc-explorer")?.textContent.includes("Mutation"));
  await page.click('[aria-label="Show History"]');
  await page.waitForFunction(() => document.querySelector(".graphiql-history")?.textContent.includes("Create"));
  if (SCREENSHOT) await page.screenshot({ path: SCREENSHOT });

  assert.deepEqual(strangers, [], "nobody else is asked");
  assert.deepEqual(faults, [], "no error anywhere");
} catch (error) {
  const [page] = (await browser.pages()).slice(-1);
  console.log(await page.$eval(".result-window", (result) => result.textContent).catch(() => "no result"));
  if (SCREENSHOT) await page.screenshot({ path: SCREENSHOT });
  throw error;
} finally {
  await browser.close();
}
