import type { Texts } from './en.ts'

/** What students read in Dutch. */
export const nl: Texts = {
  menu: 'Hoi! Waarmee kan ik je helpen?',
  menuBook: 'Les boeken',
  menuTrial: 'Gratis proefles',
  menuPrices: 'Prijzen',
  menuHuman: 'Iemand spreken',
  handoff: 'Een ogenblik: iemand van ons neemt dit gesprek over.',
  prices: lines => `Onze prijzen:\n${lines.join('\n')}`,
  price: (minutes, amount) => `${minutes} minuten: ${amount}`,
  paid: amount => `Dank je wel! We hebben je betaling van ${amount} ontvangen.`,
  paymentFailed: 'Je betaling is helaas niet gelukt. Er is niets afgeschreven.',
}
