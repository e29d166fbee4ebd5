import type { Block } from './docs.ts'

/** What a block of the pages takes from the text before it, by name. */
const GIVEN: Record<string, string> = {
  app: "const app = (await import('fastify')).default()",
  webhooks: "import webhooks from 'tutorbot-webhooks'",
  presets: "import { presets } from 'tutorbot-webhooks'",
  signChatwoot: "import { signChatwoot } from 'tutorbot-webhooks'",
  Handler: "import type { Handler } from 'tutorbot-webhooks'",
  shop: "const shop: import('tutorbot-webhooks').Source = { name: 'shop', path: '/shop', verify: () => true, identify: () => ({ event: 'question' }) }",
  OurCalendar: `const methods = ['busy', 'hold', 'keep', 'release', 'book', 'has', 'find', 'cancel'].map(name => [name, async () => []])
class AnyCalendar { constructor() { Object.assign(this, Object.fromEntries(methods)) } }
const OurCalendar = AnyCalendar as unknown as new () => import('tutorbot-webhooks').Calendar`,
  understandAt: "import { understandAt } from '../../examples/understand.ts'",
  token: "const token = 'a-token'",
  at: 'const at = Date.now() + 3_600_000',
}

/** A block as a module of its own, to be written two folders below the root. */
export function moduleOf({ text }: Block): string {
  const code = text.replace(/(['`]).*?\1/g, "''").replace(/\/\/.*$/gm, '')
  const isMissing = (name: string) =>
    new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(code) &&
    !new RegExp(`(import[^\\n]*|const |[({,] ?)\\b${name}\\b[^\\n]*( from |=(?!>))`).test(code)
  const given = Object.entries(GIVEN).flatMap(([name, declaration]) => (isMissing(name) ? declaration : []))
  return [...given, text, 'export {}'].join('\n')
}
