/* Updates the page and draws the chart. The page works without it. */

const { live, zone } = document.body.dataset
const byId = id => document.getElementById(id)

/* --- live updates --- */

/** Delay before reconnecting after a refusal, ms. */
const AGAIN_MS = 15_000
/** Interval of announcements to screen readers, ms. */
const SPEAK_MS = 10_000

let source
let again

function connect() {
  clearTimeout(again)
  source?.close()
  source = new EventSource(live)
  source.addEventListener('parts', event => {
    say('on', 'Live')
    for (const [id, html] of Object.entries(JSON.parse(event.data))) replace(byId(id), html)
  })
  source.addEventListener('trouble', () => say('off', 'The store does not respond; showing the last known state'))
  source.addEventListener('error', () => {
    say('off', 'Not live: connection lost, reconnecting')
    // The browser reconnects by itself unless the server refused: then the session may be over.
    if (source.readyState !== EventSource.CLOSED) return
    say('off', 'Not live: retrying soon; reload the page if you are signed out')
    again = setTimeout(connect, AGAIN_MS)
  })
}

function disconnect() {
  clearTimeout(again)
  source?.close()
}

function say(state, text) {
  const line = byId('live')
  line.className = `muted ${state}`
  if (line.textContent !== text) line.textContent = text
}

/** Inserts the server's HTML, which is escaped. Keeps the focus. */
function replace(part, html) {
  // An open form is left alone.
  if (part.querySelector('details[open]') !== null) return
  const focused = part.contains(document.activeElement) ? placeOf(document.activeElement) : null
  const known = new Set([...part.querySelectorAll('.deliveries a')].map(link => link.href))
  part.innerHTML = html
  if (focused !== null) [...part.querySelectorAll('a')].find(link => placeOf(link) === focused)?.focus()
  for (const link of part.querySelectorAll('.deliveries a')) {
    if (!known.has(link.href)) link.closest('tr').classList.add('fresh')
  }
  if (part.id === 'minutes') draw()
  if (part.id === 'now') speak()
}

/** A link, also among those to the same place: by the delivery of its row. */
function placeOf(link) {
  return `${link.closest('tr')?.querySelector('a')?.href} ${link.href}`
}

let spokenAt = 0
let speaking

/** Announced at intervals: numbers that change every second would drown everything else. */
function speak() {
  clearTimeout(speaking)
  speaking = setTimeout(
    () => {
      spokenAt = Date.now()
      const numbers = [...document.querySelectorAll('#now .numbers > div')]
      byId('spoken').textContent = numbers
        .map(({ children: [term, value] }) => `${term.innerText}: ${value.innerText}`)
        .join(', ')
    },
    Math.max(0, spokenAt + SPEAK_MS - Date.now()),
  )
}

if (live !== '') {
  // Browsers limit connections per host: hidden pages hold none.
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()))
  addEventListener('pagehide', disconnect)
  addEventListener('pageshow', event => {
    if (event.persisted) connect()
  })
  if (!document.hidden) connect()
}

/* --- the chart --- */

/** Distinguished by dashes, not only by colour. */
const SERIES = [
  { label: 'Accepted', colour: '--link', width: 2.5, mark: 'solid' },
  { label: 'Duplicate', colour: '--duplicate', width: 2, dash: [8, 4], mark: 'dashed' },
  { label: 'Refused', colour: '--parked', width: 2, dash: [2, 3], mark: 'dotted' },
  { label: 'Failed to store', colour: '--dead', width: 2.5, dash: [12, 3, 2, 3], mark: 'double' },
]
const HEIGHT = 240

let chart

/** The table's numbers: minutes, then series. Without zeros, whose line would hide the others. */
function read() {
  const rows = [...document.querySelectorAll('#minutes tbody tr')]
  const numbers = SERIES.map((_, index) => rows.map(row => Number(row.cells[index + 1].textContent)))
  const drawn = values => values.map((value, at) => (value || values[at - 1] || values[at + 1] ? value : null))
  return [rows.map(row => Number(row.dataset.at)), numbers[0], ...numbers.slice(1).map(drawn)]
}

function draw() {
  const data = read()
  if (chart !== undefined) return chart.setData(data)
  const style = getComputedStyle(document.documentElement)
  const colour = name => style.getPropertyValue(name).trim()
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  chart = new uPlot(
    {
      width: byId('chart').clientWidth,
      height: HEIGHT,
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1_000), zone),
      legend: { markers: { width: 2, dash: (_chart, index) => SERIES[index - 1]?.mark } },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_chart, _min, max) => [0, Math.max(5, Math.ceil(max * 1.1))] } },
      axes: [
        { ...axis, values: [[60, '{HH}:{mm}', null, null, null, null, null, null, 1]] },
        { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] },
      ],
      series: [
        { label: 'Minute', value: '{HH}:{mm}' },
        ...SERIES.map(({ label, colour: name, width, dash }) => ({
          label,
          width,
          dash,
          stroke: colour(name),
          points: { show: false },
          value: (_chart, value) => value ?? '–',
        })),
      ],
    },
    data,
    byId('chart'),
  )
}

if (byId('chart') !== null) {
  draw()
  new ResizeObserver(() => chart.setSize({ width: byId('chart').clientWidth, height: HEIGHT })).observe(byId('chart'))
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    chart.destroy()
    chart = undefined
    draw()
  })
}
