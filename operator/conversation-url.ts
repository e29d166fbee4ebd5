import { httpUrl } from '../clients/http.ts'

/** Where Chatwoot's own page of a conversation is. */

export interface ChatwootPlace {
  /** Chatwoot's base URL. */
  url: string | undefined
  accountId: string | undefined
}

/** @param id the display id; undefined: there is no conversation @returns null: not known */
export function conversationUrl({ url, accountId }: ChatwootPlace, id: string | undefined): string | null {
  const base = httpUrl(url)
  if (base === undefined || accountId === undefined || id === undefined) return null
  const path = base.pathname.replace(/\/+$/, '')
  return `${base.origin}${path}/app/accounts/${encodeURIComponent(accountId)}/conversations/${encodeURIComponent(id)}`
}
