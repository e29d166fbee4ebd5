/** Whether a store is meant to be PostgreSQL, also if its URL is mistyped: that must not become a file's name. */
export function isPostgresUrl(store: string): boolean {
  return /^\W*postgres(ql)?:/i.test(store)
}

/** Where deliveries are kept, for people: a URL without its password and its parameters. */
export function describeStore(store: string): string {
  if (!isPostgresUrl(store)) return store
  if (!URL.canParse(store)) return 'PostgreSQL'
  const { username, host, pathname } = new URL(store)
  return `postgres://${username === '' ? '' : `${username}@`}${host}${pathname}`
}
