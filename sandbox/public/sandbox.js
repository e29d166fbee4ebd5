/* Keeps the page up to date, and sends its forms without leaving it. Everything works without it, too. */

const { events } = document.body.dataset
const LOST = 'The sandbox does not answer: is it still running?'
const notice = document.getElementById('notice')

/* --- the page, as the server has it now --- */

let refreshing = null
let isStale = false

/** Asks for the page again, and takes over what differs. Resolves when it shows all that happened before the call. */
function refresh() {
  isStale = true
  refreshing ??= update().finally(() => {
    refreshing = null
  })
  return refreshing
}

async function update() {
  try {
    while (isStale) {
      isStale = false
      const response = await fetch(location.href)
      if (!response.ok) throw new Error(`answered ${response.status}`)
      const text = await response.text()
      await pressed
      const page = new DOMParser().parseFromString(text, 'text/html').getElementById('page')
      if (page !== null) morph(document.getElementById('page'), page)
    }
    if (notice.className === 'lost') say('')
  } catch {
    say(LOST, 'lost')
  }
}

/** Resolves when nothing is pressed: a click is lost if what is under the pointer moves before the release. */
let pressed = Promise.resolve()

addEventListener('pointerdown', ({ button }) => {
  if (button !== 0) return
  pressed = new Promise(resolve => {
    // Later: the click comes after the release.
    const release = () => setTimeout(resolve)
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, release, { once: true })
  })
})

/** Makes an element like another one, without touching what is the same: focus, scrolling and typed text stay. */
function morph(old, next) {
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !(name === 'open' && old.tagName === 'DETAILS')) old.removeAttribute(name)
  }
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  const known = new Map([...old.children].filter(({ id }) => id !== '').map(child => [child.id, child]))
  const wanted = new Set([...next.children].map(({ id }) => id).filter(id => id !== ''))
  let at = old.firstChild
  const drop = () => {
    const gone = at
    at = at.nextSibling
    gone.remove()
  }
  for (const child of [...next.childNodes]) {
    const same = child.id ? known.get(child.id) : isAlike(at, child) ? at : undefined
    if (same === undefined) old.insertBefore(document.importNode(child, true), at)
    else {
      // What is in between and gone makes room: what is moved would lose its focus.
      while (at !== null && at !== same && child.id && !wanted.has(at.id)) drop()
      if (same === at) at = at.nextSibling
      else old.insertBefore(same, at)
      if (same.nodeType !== Node.ELEMENT_NODE) same.nodeValue = child.nodeValue
      else if (!same.isEqualNode(child)) morph(same, child)
    }
  }
  while (at !== null) drop()
}

const isAlike = (one, other) => one !== null && one.nodeName === other.nodeName && !one.id

function say(text, kind = '') {
  notice.className = kind
  if (notice.textContent !== text) notice.textContent = text
}

/* --- what the reader does --- */

/** A form goes on its way, and the page stays. */
addEventListener('submit', async event => {
  const { target: form, submitter } = event
  if (form.target === '_blank') return
  event.preventDefault()
  say('')
  const data = new URLSearchParams(new FormData(form, submitter))
  const action = submitter?.getAttribute('formaction') ?? form.getAttribute('action')
  // At once: the next message may be typed before this one has arrived. A picture goes without what is typed.
  if (!submitter?.formNoValidate) form.reset()
  let failure
  try {
    const response = await fetch(action, { method: 'POST', body: data, headers: { accept: 'application/json' } })
    const answer = await response.json()
    const to = new URL(answer.to ?? '', location.href)
    if (to.pathname !== location.pathname) return location.assign(to)
    failure = answer.message
  } catch {
    failure = LOST
  }
  await refresh()
  if (failure !== undefined) {
    say(failure)
    for (const [name, value] of data) if (form.elements[name]?.value === '') form.elements[name].value = value
  }
  const isGone = !form.isConnected || submitter?.disabled
  // Whoever has gone on elsewhere in the meantime is left there.
  if (isGone && [document.body, submitter].includes(document.activeElement)) {
    document.getElementById(form.dataset.focus)?.focus()
  }
})

/** Another view of the same page. */
addEventListener('click', event => {
  const link = event.target.closest('a[data-view]')
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  history.replaceState(null, '', link.href)
  refresh().then(() => document.getElementById(location.hash.slice(1))?.focus({ preventScroll: innerWidth > 1100 }))
})

/* --- what is live --- */

let source

function connect() {
  source?.close()
  source = new EventSource(events)
  source.addEventListener('message', refresh)
  source.addEventListener('error', () => say(LOST, 'lost'))
}

if (events !== '') {
  // A browser keeps few connections to one host: pages that nobody looks at hold none.
  document.addEventListener('visibilitychange', () => (document.hidden ? source?.close() : connect()))
  addEventListener('pagehide', () => source?.close())
  addEventListener('pageshow', event => {
    if (event.persisted) connect()
  })
  if (!document.hidden) connect()
}

/** The sandbox's clock goes on. */
setInterval(() => {
  const clock = document.getElementById('now')
  if (clock === null) return
  const { offset, zone } = clock.dataset
  const short = { hour: '2-digit', minute: '2-digit', second: '2-digit' }
  const format = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...short,
    timeZone: zone,
  })
  clock.textContent = format.format(Date.now() + Number(offset))
}, 1_000)
