#!/usr/bin/env bash
# stripe (stripe-node) 23.1.0: `timeout` is the time between two bytes over Node's http, and no limit for a call: an answer
# that drips takes as long as it likes. Needs npm and Node. Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund stripe@23.1.0 >/dev/null 2>&1
cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import Stripe from 'stripe'

const TIMEOUT_MS = 300
const body = JSON.stringify({ id: 'cus_1', object: 'customer' })
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  let sent = 0
  const drip = setInterval(() => {
    response.write(body[sent++])
    if (sent < body.length) return
    clearInterval(drip)
    response.end()
  }, TIMEOUT_MS / 5)
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const options = { host: '127.0.0.1', port: server.address().port, protocol: 'http', maxNetworkRetries: 0 }
const stripe = new Stripe('sk_test_1', { ...options, timeout: TIMEOUT_MS, telemetry: false })
const begunAt = performance.now()
const result = await stripe.customers.retrieve('cus_1').catch(error => ({ error: error.message }))
const ms = Math.round(performance.now() - begunAt)
server.close()
console.log(`stripe ${Stripe.PACKAGE_VERSION}, Node ${process.version}, timeout ${TIMEOUT_MS} ms`)
console.log(`answered after ${ms} ms: ${JSON.stringify(result)}`)
const asFound = result.id === 'cus_1' && ms > 3 * TIMEOUT_MS
console.log(asFound ? 'as found: the call took several times its timeout, and succeeded' : 'CHANGED')
process.exit(asFound ? 0 : 1)
JS
node run.mjs
