import { html } from 'ghtml'
import { calendar } from './calendar.ts'
import { frame, type PageContext } from './page.ts'
import { payments } from './payments.ts'
import { phones } from './phones.ts'
import { top } from './top.ts'
import { tutor } from './tutor.ts'
import type { View } from './view.ts'
import { wire } from './wire.ts'

export async function mainPage(context: PageContext, view: View): Promise<string> {
  return frame(
    { title: 'Sandbox · tutorbot-webhooks', className: 'main', live: true },
    html`<a class="skip" href="#phones">Skip to the students</a>
!${top(context, view)}
<p class="lead"><strong>Write as a student, pay, and see the lesson booked.</strong> The service is the real one; Chatwoot and Stripe are stand-ins on this machine: nothing you type leaves it.</p>
<main id="main">
<div class="panes">
!${phones(context, view)}
!${tutor(context, view)}
<div class="side">!${await calendar(context, view)}!${payments(context)}</div>
</div>
!${wire(context, view)}
</main>`,
  )
}
