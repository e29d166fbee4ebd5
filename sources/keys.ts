/** Escapes an id for use in a key: separators are escaped, so that two lists of ids never make the same key. */
export function keyPart(id: string): string {
  return id.replace(/[%:_]/g, encodeReserved)
}

const encodeReserved = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** The conversation whose ordering key this is: its account, and its display id. */
export function conversationOfKey(orderingKey: string): { account?: string; id?: string } {
  return /^conversation:(?<account>[^:]*):(?<id>\d+)$/.exec(orderingKey)?.groups ?? {}
}

/** The ordering key of a conversation, for its messages and its payments. */
export function conversationKey(account: string | undefined, conversation: string): string {
  return `conversation:${keyPart(`${account}`)}:${keyPart(conversation)}`
}
