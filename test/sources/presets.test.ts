import t, { type Test } from 'tap'
import type { HmacVerifier } from '../../sources/hmac.ts'
import { type PresetName, type PresetOptions, presets } from '../../sources/presets.ts'
import { type Signed, signedBy, verdictBeforeBody, verdictOn } from '../helpers/senders.ts'

/** Every preset against requests that its sender's own SDK accepts. */

const SENDERS: [fixture: string, preset: PresetName][] = [
  ['adyen-platform', 'adyenPlatform'],
  ['calcom', 'calcom'],
  ['calendly', 'calendly'],
  ['clerk', 'standardWebhooks'],
  ['github-ping', 'github'],
  ['gocardless', 'gocardless'],
  ['hubspot', 'hubspot'],
  ['lemonsqueezy', 'lemonsqueezy'],
  ['line', 'line'],
  ['mollie', 'mollie'],
  ['paddle', 'paddle'],
  ['polar', 'polar'],
  ['polar-as-standard-webhooks', 'standardWebhooks'],
  ['razorpay', 'razorpay'],
  ['shopify', 'shopify'],
  ['shopify-events-preview', 'shopify'],
  ['slack-command', 'slack'],
  ['square', 'square'],
  ['standard-webhooks', 'standardWebhooks'],
  ['svix', 'standardWebhooks'],
  ['typeform', 'typeform'],
  ['whatsapp', 'meta'],
]
/** The header's name ends so in all of them. */
const SIGNATURE = /signature|hmac|sha256/

/** Another secret of the same format. */
function otherThan(secret: string): string {
  return secret.startsWith('whsec_')
    ? `whsec_${Buffer.from('another key of 24 bytes!').toString('base64')}`
    : secret.replace(/.(.)$/, 'B$1')
}

for (const [fixture, preset] of SENDERS) {
  t.test(`${preset}: ${fixture}`, async t => {
    const signed = signedBy(fixture)
    const { secret, headers, body, url, now = 1_795_881_600 } = signed
    const verifier = (secrets = [secret], at = now) =>
      presets[preset]({ secrets, now: () => at * 1_000, ...(url !== undefined && { url }) } as PresetOptions)
    const verify = verifier()
    const name = Object.keys(headers).find(each => SIGNATURE.test(each)) as string

    t.equal(await verdictOn(verify, headers, body), 'genuine')
    t.equal(await verdictOn(verifier([otherThan(secret), secret]), headers, body), 'genuine', 'a second secret')
    t.equal(await verdictOn(verifier([otherThan(secret)]), headers, body), 'WEBHOOK_SIGNATURE_MISMATCH', 'another')
    await bodyChanged(t, verify, signed)
    await signatureChanged(t, verify, signed, name)

    const { [name]: _, ...unsigned } = headers
    t.equal(verdictBeforeBody(verify, headers), 'read on')
    t.equal(verdictBeforeBody(verify, unsigned), 'WEBHOOK_SIGNATURE_MISSING', 'before the body is read')
    t.equal(verdictBeforeBody(verify, { ...headers, [name]: 'x' }), 'WEBHOOK_SIGNATURE_MALFORMED')

    if (signed.now !== undefined) await timesChanged(t, at => verifier([secret], at), signed)
    await otherParts(t, verify, preset, signed)

    const again = verify.sign(body, { id: 'msg_2senders', timestamp: now })
    t.ok(Object.values(again).includes(headers[name] as string), 'sign() signs as they do')
    t.equal(await verdictOn(verify, { ...headers, ...again }, body), 'genuine')
  })
}

async function bodyChanged(t: Test, verify: HmacVerifier, { headers, body }: Signed) {
  const bytes = Buffer.from(body)
  for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    t.equal(await verdictOn(verify, headers, changed), 'WEBHOOK_SIGNATURE_MISMATCH', `byte ${at} of the body changed`)
  }
  for (const changed of [`${body} `, `${body}\n`, '']) {
    t.equal(await verdictOn(verify, headers, changed), 'WEBHOOK_SIGNATURE_MISMATCH', JSON.stringify(changed.slice(-2)))
  }
}

async function signatureChanged(t: Test, verify: HmacVerifier, { headers, body }: Signed, name: string) {
  const header = headers[name] as string
  const digits = /[0-9a-f]{64}$|[A-Za-z0-9+/]{43}=$/.exec(header) as RegExpExecArray
  for (let at = digits.index; at < header.length; at++) {
    const changed = header.slice(0, at) + (header[at] === 'b' ? 'c' : 'b') + header.slice(at + 1)
    t.match(
      await verdictOn(verify, { ...headers, [name]: changed }, body),
      /^WEBHOOK_SIGNATURE_(MISMATCH|MALFORMED)$/,
      `character ${at} of the signature changed`,
    )
  }
  // Two headers are joined with a comma: in a list, a complete signature still counts.
  const twice = /^(ts=|v1,)/.test(header) ? 'genuine' : 'WEBHOOK_SIGNATURE_MALFORMED'
  t.equal(await verdictOn(verify, { ...headers, [name]: `${header}, ${header}` }, body), twice, 'sent twice')
}

async function timesChanged(t: Test, at: (now: number) => HmacVerifier, { headers, body, now = 0 }: Signed) {
  const verdictAt = (time: number) => verdictOn(at(time), headers, body)
  t.equal(await verdictAt(now + 300), 'genuine', '300 s old')
  t.equal(await verdictAt(now + 301), 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE', 'stale')
  t.equal(await verdictAt(now - 300), 'genuine', '300 s ahead')
  t.equal(await verdictAt(now - 301), 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE', 'ahead')
  const moved = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace('1795881600', '1795881601')]),
  )
  t.equal(await verdictOn(at(now), moved, body), 'WEBHOOK_SIGNATURE_MISMATCH', 'another time than was signed')
}

/** If an id, a method or a URL is signed, too. */
async function otherParts(t: Test, verify: HmacVerifier, preset: PresetName, signed: Signed) {
  const { secret, headers, body, url, now = 0 } = signed
  const id = Object.keys(headers).find(name => /^(webhook|svix)-id$/.test(name))
  if (id !== undefined) {
    t.equal(await verdictOn(verify, { ...headers, [id]: 'msg_3senders' }, body), 'WEBHOOK_SIGNATURE_MISMATCH')
    for (const wrong of ['', 'msg.2senders', 'msg 2', 'x'.repeat(256)])
      t.equal(verdictBeforeBody(verify, { ...headers, [id]: wrong }), 'WEBHOOK_ID_INVALID')
  }
  if (url === undefined) return
  const elsewhere = presets[preset]({ secrets: [secret], url: `${url}?x=1`, now: () => now * 1_000 })
  t.equal(await verdictOn(elsewhere, headers, body), 'WEBHOOK_SIGNATURE_MISMATCH', 'another URL')
  if (preset === 'hubspot')
    t.equal(await verdictOn(verify, headers, body, { method: 'PUT' }), 'WEBHOOK_SIGNATURE_MISMATCH')
}

t.test('every preset is tested', async t => {
  t.same(new Set(SENDERS.map(([, preset]) => preset)), new Set(Object.keys(presets)))
})

t.test('a missing or wrong option is an error that names the preset', async t => {
  t.throws(() => presets.github({ secrets: [] }), {
    message: 'presets.github.secrets is empty: nothing could be verified',
  })
  t.throws(() => presets.square({ secrets: ['s'] }), {
    message: 'presets.square.url is missing: what is signed has {url}',
  })
  t.throws(() => presets.github({ secrets: ['s'], toleranceSeconds: 60 }), {
    message: 'presets.github.toleranceSeconds has no meaning: the sender signs no timestamp',
  })
  t.throws(() => presets.standardWebhooks({ secrets: ['whsec_?'] }), {
    message: 'presets.standardWebhooks.secrets[0] is not base64',
  })
})
