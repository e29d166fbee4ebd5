/** What students read in English; its keys are what every language has. */
export const en = {
  menu: 'Hi! What can I do for you?',
  menuBook: 'Book a lesson',
  menuTrial: 'Free trial lesson',
  menuPrices: 'Prices',
  menuHuman: 'Talk to a person',
  handoff: 'One moment please: a person takes over this conversation.',
  prices: (lines: string[]) => `Our prices:\n${lines.join('\n')}`,
  price: (minutes: number, amount: string) => `${minutes} minutes: ${amount}`,
  paid: (amount: string) => `Thank you! We have received your payment of ${amount}.`,
  paymentFailed: 'Unfortunately your payment did not succeed. Nothing was charged.',
}

export type Texts = typeof en
