import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The README and the pages, and the blocks of code in them. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Paths from the root. */
export const PAGES = globSync(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/*.md', '*/README.md'], {
  cwd: ROOT,
  exclude: name => name === 'node_modules',
}).sort()

export const readPage = (page: string) => readFileSync(join(ROOT, page), 'utf8')

export interface Block {
  page: string
  /** The page's line in which it begins. */
  line: number
  /** As the page says it; empty: what a program prints. */
  language: string
  text: string
}

/** The blocks of a page, or of all, in order. */
export function blocksOf(pages: readonly string[] = PAGES): Block[] {
  return pages.flatMap(page => {
    const text = readPage(page)
    return [...text.matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)].map(
      ({ index, 1: indent = '', 2: language = '', 3: code = '' }) => ({
        page,
        line: text.slice(0, index).split('\n').length,
        language,
        text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }),
    )
  })
}

/** The only block of a page that holds this text. */
export function blockWith(page: string, text: string): Block {
  const found = blocksOf([page]).filter(block => block.text.includes(text))
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks with ${text}`)
  return found[0] as Block
}
