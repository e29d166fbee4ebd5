import { hash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { LANGUAGES, type LanguageCode, languageCalled, type Texts } from '../handlers/texts/index.ts'

/** Where Stripe sends students after they have paid. It tells nothing about the payment: the chat does. */

export const PAID_PATH = '/paid'

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;margin:20vh auto 0;max-width:28rem;padding:0 1.5rem;text-align:center;color-scheme:light dark}'

const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
}

export default async function paidPage(app: FastifyInstance): Promise<void> {
  const { languages, defaultLanguage, texts } = app.webhooks.tutor
  // A host's serializer must not be applied.
  app.setReplySerializer(payload => String(payload))
  app.get(PAID_PATH, async (request, reply) => {
    const { language } = request.query as { language?: unknown }
    reply.headers(HEADERS).type('text/html; charset=utf-8')
    const code = languageCalled(language, languages) ?? defaultLanguage
    return page(LANGUAGES[code].locale, texts[code].paidPage)
  })
}

/** Its address. @param base of this service's routes: no slash at its end */
export function paidPageUrl(base: string, language: LanguageCode): string {
  return `${base}${PAID_PATH}?language=${language}`
}

function page(locale: string, texts: Texts['paidPage']): string {
  const [title, text] = [texts.title, texts.text].map(each => each.replaceAll('&', '&amp;').replaceAll('<', '&lt;'))
  return `<!doctype html>
<html lang="${locale}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`
}
