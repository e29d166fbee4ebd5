#!/bin/sh
# ical-generator escapes an event's URL as if it were a TEXT. RFC 5545 (3.3.13) has no escapes in a URI: a link with a
# comma or a semicolon (`?names=a,b`, `;jsessionid=…`) gets backslashes, which most readers keep, so that it leads nowhere
# (node-ical takes them away, but gives an object instead of the link because of VALUE=URI). The same version ends the file with END:VCALENDAR and no line end, where RFC 5545 (3.1) wants CR LF after every line.
# What helps: write %2C and %3B for them before the link is handed over, and add the line end.
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

const url = 'https://meet.example.com/room;id=7?names=Ann,Bob'
const calendar = generate({ name: 'Lessons' })
calendar.createEvent({ id: '1', start: new Date(0), end: new Date(3_600_000), summary: 'Lesson', url })
const text = calendar.toString()
const line = text.split('\r\n').find(each => each.startsWith('URL'))
const read = Object.values(ical.sync.parseICS(text)).find(({ type }) => type === 'VEVENT').url
console.log(`ical-generator 11.1.2, node-ical 0.26.1, Node ${process.version}`)
console.log(`given:   ${url}`)
console.log(`written: ${line}`)
console.log(`read by node-ical: ${JSON.stringify(read)}`)
console.log(`the file ends with ${JSON.stringify(text.slice(-15))}`)
const asKnown = line.includes('room\\;id=7?names=Ann\\,Bob') && text.endsWith('END:VCALENDAR')
console.log(asKnown ? 'as known: escaped, and no line end' : 'CHANGED')
process.exitCode = asKnown ? 0 : 1
EOF
node check.mjs
