import { html } from 'ghtml'
import type { ConversationView } from '../../handlers/conversation-desk.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'

/** One conversation: who has it, and the way back to the bot. */
export function createConversationPage({ base, frame, time, inChatwoot }: Layout) {
  return { conversation }

  function conversation(session: PageSession, view: ConversationView, notice?: string): string {
    const { id, status, has, explanation, personWroteAt } = view
    const facts: [string, string][] = [
      ['Who has it', html`${has === 'person' ? `A person: ${explanation}` : 'The bot'}`],
      ['Status in Chatwoot', html`${status}`],
    ]
    if (personWroteAt !== null) facts.push(['A person last wrote', time(Date.parse(personWroteAt))])
    return frame(
      { title: `Conversation ${id}`, session, current: 'deliveries', notice },
      html`!${view.canBeGivenBack ? giveBack(session, id) : ''}
<section aria-labelledby="facts-title"><h2 id="facts-title">Facts</h2>
<dl class="facts">!${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>!${value}</dd></div>`)}</dl></section>
<p><a href="${base}/deliveries?conversation=${id}">Its deliveries</a> !${inChatwoot(id)}</p>`,
    )
  }

  function giveBack(session: PageSession, id: string): string {
    return html`<section aria-label="What you can do" class="actions">
<form method="post" action="${base}/conversations/${id}/give-back">!${formToken(session)}
<p>The bot is silent here. Given back, it answers the student’s next message.</p>
<button>Give back to the bot</button></form>
</section>`
  }
}
