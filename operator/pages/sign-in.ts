import { html } from 'ghtml'
import type { Layout, PageSession } from './layout.ts'

/** Pages without a session: sign-in and errors. */
export function createSignIn({ base, frame }: Layout) {
  return { signIn, problem }

  function signIn(next: string, wrong: string | undefined): string {
    return frame(
      { title: 'Sign in', session: null },
      html`!${wrong === undefined ? '' : html`<p class="notice bad" role="alert">${wrong}</p>`}
<form method="post" action="${base}/sign-in" class="card narrow">
<input type="hidden" name="next" value="${next}">
<label for="token">The operator's token <small>ADMIN_TOKEN</small></label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>`,
    )
  }

  function problem(session: PageSession | null, status: number, title: string, message: string): string {
    return frame(
      { title, session },
      html`<p class="notice bad" role="alert">${message}</p>
<p><a href="${base}">Back to the overview</a> <small class="muted">Status ${status}</small></p>`,
    )
  }
}
