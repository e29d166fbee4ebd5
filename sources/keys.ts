/** An id as a part of a key: what parts are joined with is none of it, so that no two lists of ids make one key. */
export function keyPart(id: string): string {
  return id.replace(/[%:_]/g, encodeReserved)
}

const encodeReserved = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** The mailbox of a conversation: what Chatwoot says in it, and what Stripe says of its payments. */
export function conversationKey(account: string | undefined, conversation: string): string {
  return `conversation:${keyPart(`${account}`)}:${keyPart(conversation)}`
}
