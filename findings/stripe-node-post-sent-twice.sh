#!/usr/bin/env bash
# stripe (stripe-node) 23.1.0 over Node's http: a POST whose connection breaks is sent a second time, though
# `maxNetworkRetries` is 0. Both carry one Idempotency-Key, so Stripe makes one thing of them; but whoever counts calls, or
# relies on the caller's own retries alone, sees two. Over `Stripe.createFetchHttpClient()` it is sent once.
# Exits with 1 if that changes. Needs npm and Node.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund stripe@23.1.0 >/dev/null 2>&1
cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import Stripe from 'stripe'

const requests = []
const server = createServer(request => {
  requests.push(request.headers['idempotency-key'])
  request.socket.destroy()
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address()

async function attempts(httpClient) {
  requests.length = 0
  const options = { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 0, telemetry: false }
  const stripe = new Stripe('sk_test_1', { ...options, ...(httpClient && { httpClient }) })
  const error = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'one' }).catch(error => error)
  return { requests: requests.length, keys: [...new Set(requests)].join(), error: error.type }
}

const http = await attempts()
const overFetch = await attempts(Stripe.createFetchHttpClient())
server.close()
console.log(`stripe ${Stripe.PACKAGE_VERSION}, Node ${process.version}, maxNetworkRetries 0`)
console.log(`http client:  ${JSON.stringify(http)}`)
console.log(`fetch client: ${JSON.stringify(overFetch)}`)
const asFound = http.requests === 2 && http.keys === 'one' && overFetch.requests === 1
console.log(asFound ? 'as found: sent twice over http, once over fetch' : 'CHANGED')
process.exit(asFound ? 0 : 1)
JS
node run.mjs
