import { html } from 'ghtml'
import { PAID_HOW, type PaidHow } from '../../handlers/lesson-payment.ts'
import { type Money, majorUnits } from '../../handlers/money.ts'
import type { Wrong } from './block.ts'
import type { FilterValues } from './list.ts'

const HOW_WORDS: Record<PaidHow, string> = { cash: 'In cash', transfer: 'By bank transfer', invoice: 'On an invoice' }

export interface PaidFormData {
  /** Where it is sent. */
  action: string
  /** What it carries besides: HTML. */
  hidden: string
  /** What the lesson costs; undefined: not known. */
  price: Money | undefined
  /** What was given last, with what is wrong about it. */
  given: { values: FilterValues; wrong: Wrong } | undefined
}

/** Marks a lesson as paid otherwise than at Stripe. */
export function paidForm({ action, hidden, price, given }: PaidFormData): string {
  const usual = price && { amount: majorUnits(price.amount, price.currency), currency: price.currency.toUpperCase() }
  const values: FilterValues = { how: '', amount: '', currency: '', name: '', ...usual, ...given?.values }
  const mark = (field: string) => (given?.wrong.field === field ? 'aria-invalid="true" aria-describedby="wrong"' : '')
  const input = (field: 'amount' | 'currency' | 'name', label: string, attributes: string) =>
    html`<label for="${field}">${label}</label><input id="${field}" name="${field}" value="${values[field]}" autocomplete="off" !${attributes} !${mark(field)}>`
  const options = PAID_HOW.map(
    how => html`<option value="${how}" !${values.how === how ? 'selected' : ''}>${HOW_WORDS[how]}</option>`,
  )
  return html`<details !${given === undefined ? '' : 'open'}><summary>Mark as paid…</summary>
<form method="post" action="${action}">!${hidden}
<p>For money that came another way than by Stripe. The student is told.</p>
<label for="how">How</label><select id="how" name="how" required !${mark('how')}>!${options}</select>
!${input('amount', 'Amount', 'inputmode="decimal" required placeholder="60.00" maxlength="20"')}
!${input('currency', 'Currency', 'required placeholder="EUR" maxlength="3"')}
!${input('name', 'Who has paid, for your books', 'maxlength="200"')}
<button>Yes, it is paid</button></form></details>`
}
