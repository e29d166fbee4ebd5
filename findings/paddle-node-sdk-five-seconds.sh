#!/usr/bin/env bash
# @paddle/paddle-node-sdk 3.10.0: a genuine webhook that is a few seconds old is refused, in the same words as one with a
# wrong signature (`isSignatureValid`: false; `unmarshal`: "Webhook signature verification failed"): the limit is 5 s, and
# neither takes another. A queue, a slow proxy or a clock that is off by 6 s is enough. Needs npm and Node. Exits with 1 if
# that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @paddle/paddle-node-sdk@3.10.0 >/dev/null 2>&1
cat >run.mjs <<'JS'
import { createHmac } from 'node:crypto'
import { Paddle } from '@paddle/paddle-node-sdk'

const SECRET = 'pdl_ntfset_01_finding'
const body = JSON.stringify({ event_id: 'evt_1', event_type: 'price.created', data: {} })
const { webhooks } = new Paddle('key')

async function verdict(ageSeconds) {
  const at = Math.floor(Date.now() / 1_000) - ageSeconds
  const h1 = createHmac('sha256', SECRET).update(`${at}:${body}`).digest('hex')
  return webhooks.isSignatureValid(body, SECRET, `ts=${at};h1=${h1}`)
}

const verdicts = { 0: await verdict(0), 3: await verdict(3), 7: await verdict(7) }
console.log(`Node ${process.version}; genuine, by age in s:`, verdicts)
const asFound = verdicts[0] === true && verdicts[3] === true && verdicts[7] === false
console.log(asFound ? 'as found: refused when it is 7 s old' : 'CHANGED')
process.exit(asFound ? 0 : 1)
JS
node run.mjs
