import type { Understand } from '../handlers/understand.ts'

/**
 * Asks a service of yours, which may ask a language model, what a student means. It gets the text and the choices, and
 * answers `{ "choice": "<value>" }`, or `{ "choice": null }` if it does not know. In your app, import the type from
 * `tutorbot-webhooks`.
 */
export function understandAt(url: string, token: string): Understand {
  return async ({ signal, ...question }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(question),
      signal,
    })
    if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`)
    const { choice } = (await response.json()) as { choice: string | null }
    return choice
  }
}
