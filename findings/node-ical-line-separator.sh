#!/bin/sh
# node-ical loses a SUMMARY that contains U+2028 or U+2029. RFC 5545 allows both in a TEXT: they are neither control
# characters nor line ends there (those are CR LF). ical-generator writes them as they are, so that a name that was pasted
# from a word processor makes a lesson without a title for everybody who reads the feed with node-ical.
# What helps: replace \p{Zl} and \p{Zp}, like control characters, before a text is written.
# Exits with 1 if this is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
npm init -y > npm.log
npm install --no-audit --no-fund node-ical@0.26.1 ical-generator@11.1.2 >> npm.log 2>&1
cat > check.mjs << 'EOF'
import ical from 'node-ical'
import generate from 'ical-generator'

const read = summary => {
  const calendar = generate({ name: 'Lessons' })
  calendar.createEvent({ id: '1', start: new Date(0), end: new Date(3_600_000), summary })
  const events = Object.values(ical.sync.parseICS(calendar.toString()))
  return events.find(({ type }) => type === 'VEVENT').summary
}
const cases = ['Ann Bos', 'Ann\u00a0Bos', 'Ann\u2028Bos', 'Ann\u2029Bos']
const seen = cases.map(read)
console.log(`node-ical 0.26.1, ical-generator 11.1.2, Node ${process.version}`)
for (const [index, summary] of cases.entries()) {
  console.log(`SUMMARY ${JSON.stringify(escape(summary))} is read as ${JSON.stringify(seen[index]) ?? 'undefined'}`)
}
const asKnown = seen[0] === cases[0] && seen[1] === cases[1] && seen[2] === undefined && seen[3] === undefined
console.log(asKnown ? 'as known: the summary is lost' : 'CHANGED')
process.exitCode = asKnown ? 0 : 1
EOF
node check.mjs
