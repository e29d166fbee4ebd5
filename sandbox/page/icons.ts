/** Pictures without words: whoever hears the page hears what stands beside them. */
const icon = (path: string, size = '0 0 24 24') =>
  `<svg class="icon" viewBox="${size}" aria-hidden="true" focusable="false">${path}</svg>`

const line = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'

export const ICONS = {
  send: icon('<path fill="currentColor" d="M3 20.5v-7l9-1.5-9-1.5v-7L21 12z"/>'),
  microphone: icon(
    `<g ${line}><rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/></g>`,
  ),
  picture: icon(
    `<g ${line}><rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 17 5-5 4 4 3-3 5 5"/><circle cx="15.5" cy="9" r="1"/></g>`,
  ),
  play: icon('<path fill="currentColor" d="M7 4.5v15l12.5-7.5z"/>'),
  list: icon(`<path ${line} d="M8 7h11M8 12h11M8 17h11M4 7h.01M4 12h.01M4 17h.01"/>`),
  reply: icon(`<path ${line} d="m10 7-5 5 5 5M5.5 12H13a6 6 0 0 1 6 6"/>`),
  card: icon(`<g ${line}><rect x="3" y="5.5" width="18" height="13" rx="2"/><path d="M3 10h18M7 15h3"/></g>`),
  ticks: icon(`<path ${line} stroke-width="1.6" d="m1 6.5 3.2 3.2L11 2.6M8.2 9.7l.6.6L16 2.6"/>`, '0 0 17 12'),
  waves: icon(
    `<path ${line} d="M2 10v4M6 7v10M10 10v4M14 4v16M18 8v8M22 10v4M26 6v12M30 9v6M34 11v2M38 7v10M42 10v4M46 8v8M50 11v2M54 9v6M58 11v2"/>`,
    '0 0 60 24',
  ).replace('class="icon"', 'class="waves"'),
  sums: `<svg class="photo" viewBox="0 0 200 120" aria-hidden="true" focusable="false"><rect width="200" height="120" fill="#f2efe6"/><path d="M0 20h200M0 40h200M0 60h200M0 80h200M0 100h200" stroke="#c9d6e4"/><path d="M24 0v120" stroke="#e2a6a0"/><g fill="none" stroke="#27364a" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"><path d="m38 36 10-14m0 14L38 22M54 20q4-4 6 0t-6 9h8M76 29h10M81 24v10M100 22q8-3 6 4-1 3-5 3 6 0 6 5-1 6-9 3M114 36l10-14m0 14-10-14M136 26h10M136 31h10M156 29q0-8 5-8t5 8-5 8-5-8"/><path d="M40 74 52 62l8 14 14-18 12 12 18-20"/></g></svg>`,
}
