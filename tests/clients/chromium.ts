// Opens a page in headless Chromium, whose path is in CHROMIUM.
import { chromium, type Page } from "playwright-core";

// Without them, Chromium looks up hosts of its vendor.
const OFFLINE = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

export async function onPage(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const { CHROMIUM: executablePath = "" } = process.env;
  const browser = await chromium.launch({ executablePath, args: OFFLINE });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(url);
    await use(page);
  } finally {
    await browser.close();
  }
}
