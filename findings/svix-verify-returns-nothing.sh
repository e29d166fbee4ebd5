#!/usr/bin/env bash
# svix 2.5.0: Webhook.verify() returns undefined for a genuine webhook, where version 1 returned the event: code that is
# written as `const event = webhook.verify(body, headers)` still runs, and has no event. Needs npm and Node. Exits with 1
# if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund svix@2.5.0 svix-1@npm:svix@1 >/dev/null 2>&1
cat >run.mjs <<'JS'
import * as two from 'svix'
import * as one from 'svix-1'

const secret = `whsec_${Buffer.from('a key of twenty-four byt').toString('base64')}`
const body = JSON.stringify({ type: 'lesson.booked' })

async function verified({ Webhook }) {
  const webhook = new Webhook(secret)
  const at = new Date()
  const signature = await webhook.sign('msg_1', at, body)
  return webhook.verify(body, {
    'svix-id': 'msg_1',
    'svix-timestamp': `${Math.floor(at.getTime() / 1_000)}`,
    'svix-signature': signature,
  })
}

const found = { 'svix 1': await verified(one), 'svix 2': await verified(two) }
console.log(`Node ${process.version}; verify() of a genuine webhook returns:`, found)
const asFound = found['svix 1']?.type === 'lesson.booked' && found['svix 2'] === undefined
console.log(asFound ? 'as found: version 2 returns nothing' : 'CHANGED')
process.exit(asFound ? 0 : 1)
JS
node run.mjs
