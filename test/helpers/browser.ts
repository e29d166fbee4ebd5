import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'

/** A real Chromium, driven as a person would. UPDATE_SCREENSHOTS=1 writes the pictures in docs/. */

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
export const DESKTOP = { width: 1280, height: 900 }
export const PHONE = { width: 390, height: 844 }

/** Runs tests in one browser, if there is one. @param what is tested, named if it can't be */
export async function inChromium(what: string, tests: (browser: Browser) => void): Promise<void> {
  const executablePath = findChromium(what)
  if (executablePath === undefined) return
  // As root, Chromium only runs without its sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({ executablePath, args })
  t.teardown(() => browser.close())
  tests(browser)
}

/** Chromium's path. If CI requires it, its absence is a failure; elsewhere it is reported. */
function findChromium(what: string): string | undefined {
  const given = process.env.CHROMIUM_PATH ?? 'chromium'
  const found = spawnSync('sh', ['-c', 'command -v "$0"', given], { encoding: 'utf8' }).stdout.trim()
  if (found !== '') return found
  const message = `NOT RUN: ${given} is not installed, ${what} is not tested in a browser (apt-get install chromium)`
  if (process.env.REQUIRE_CHROMIUM === '1') t.fail(message)
  else {
    t.comment(`!!! ${message}`)
    t.pass(message)
  }
  return undefined
}

/** Uses a page; any error on it, and any request to another host, fails the test. */
export async function withPage(
  t: Test,
  browser: Browser,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options })
  t.teardown(() => context.close())
  const complaints: string[] = []
  await context.addInitScript(`addEventListener('securitypolicyviolation', event => {
    console.error('violates the CSP: ' + event.violatedDirective + ' ' + event.blockedURI)
  })`)
  const page = await context.newPage()
  // For a slow machine.
  page.setDefaultTimeout(300_000)
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  page.on('request', request => {
    if (new URL(request.url()).hostname !== '127.0.0.1') complaints.push(`asks ${request.url()}`)
  })
  await use(page)
  await context.close()
  t.same(complaints, [], 'no errors, no CSP violations, no requests to other hosts')
}

export const scrollsSideways = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth')

/** A picture as WebP, base64: a quarter of the PNG's bytes. Chromium makes it, in a page of its own. */
const toWebp = (png: string) => `(async () => {
  const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${png}')).blob())
  const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height })
  canvas.getContext('2d').drawImage(picture, 0, 0)
  return canvas.toDataURL('image/webp', 0.85).split(',')[1]
})()`

/** Saves a screenshot for docs/, if asked to: from the top, a screen and a half at most. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.UPDATE_SCREENSHOTS !== '1') return
  mkdirSync(DOCS, { recursive: true })
  const { width = 0, height = 0 } = page.viewportSize() ?? {}
  const whole = await page.evaluate<number>('document.documentElement.scrollHeight')
  const clip = { x: 0, y: 0, width, height: Math.min(whole, height * 1.5) }
  const png = await page.screenshot({ fullPage: true, clip, animations: 'disabled' })
  const own = await page.context().newPage()
  writeFileSync(`${DOCS}${name}.webp`, await own.evaluate<string>(toWebp(png.toString('base64'))), 'base64')
  await own.close()
}

/** The texts whose contrast with what is behind them is below 4.5, WCAG's AA. */
export const LOW_CONTRAST = `(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number)
  const light = text => {
    const [r, g, b] = parse(text).map(part => part / 255).map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = element => {
    for (let each = element; each !== null; each = each.parentElement) {
      const { backgroundColor } = getComputedStyle(each)
      if ((parse(backgroundColor)[3] ?? 1) > 0.99) return backgroundColor
    }
    return 'rgb(255, 255, 255)'
  }
  const low = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement: element, nodeValue } = walker.currentNode
    if (nodeValue.trim() === '' || !element.checkVisibility()) continue
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x)
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(nodeValue.trim())
  }
  return low
})()`
