import t from 'tap'
import { shiftIn } from '../../handlers/time-shift.ts'

t.test('by how much, in each language', async t => {
  const said: [string, number | undefined][] = [
    ['maar een uur later', 60],
    ['liever een uurtje eerder', -60],
    ['Kan het 1 uur vroeger?', -60],
    ['half uur later graag', 30],
    ['een halfuurtje eerder', -30],
    ['een kwartier later', 15],
    ['anderhalf uur later', 90],
    ['2 uur later', 120],
    ['but an hour later', 60],
    ['one hour earlier', -60],
    ['half an hour later', 30],
    ['an hour and a half sooner', -90],
    ['eine Stunde später', 60],
    ['eine halbe Stunde früher', -30],
    ['zwei Stunden später', 120],
    ['niet een uur later', undefined],
    ['later', undefined],
    ['om 1 uur, later kan niet', undefined],
    ['om een uur later', undefined],
    ['after one hour later', undefined],
    ['een uur les', undefined],
  ]
  for (const [text, minutes] of said) t.equal(shiftIn(text), minutes, text)
})
