/** A database URL for display: without password and parameters. */
export function describeUrl(url: string): string {
  if (!URL.canParse(url)) return 'PostgreSQL'
  const { username, host, pathname } = new URL(url)
  return `postgres://${username === '' ? '' : `${username}@`}${host}${pathname}`
}
