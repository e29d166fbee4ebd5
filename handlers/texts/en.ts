import type { Language } from './language.ts'
import { pupils } from './pupils-en.ts'
import { times } from './times-en.ts'

export const en: Language = {
  codes: ['en'],
  locale: 'en',
  stripeLocale: 'en',
  formats: { choice: 'ccc d LLL HH:mm', shortChoice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  handedOver: {
    person: 'The student asks for a person',
    ill: 'The student is ill, or something has happened',
    cancel: 'The student wants to cancel, move or miss a lesson',
    money: 'The student writes about money back, or a payment that went wrong',
    complaint: 'The student complains',
    invoice: 'The student asks for an invoice or a receipt',
    lesson: 'The student asks about a booked lesson',
    weekly: 'The student wants to end or to move a weekly lesson, which the tutor does',
    misunderstood: 'TutorBot has not understood the student',
    repeated: 'The student, or a machine, has written the same three times',
    endless: 'TutorBot has answered 30 times within ten minutes, perhaps a machine',
    language: 'The student writes in a language that TutorBot does not know',
    file: 'The student has sent something that TutorBot can neither listen to nor look at',
  },
  aboutLesson: (when, order) => `It is about the lesson of ${when} (order ${order}).`,
  aboutWeekly: (day, time, order) => `It is about the weekly lesson every ${day} at ${time} (order ${order}).`,
  wayBack: {
    bot: 'To give the conversation back to TutorBot, set it to pending, or resolve it.',
    account: 'To give the conversation back to TutorBot, resolve it: the next message is answered by TutorBot.',
    onPage: path => `Or give it back on TutorBot’s page: ${path}`,
    byItself: hours => `Otherwise TutorBot answers again ${hours} hours after your last message.`,
  },
  personWords:
    /^(an? )?(human|person|agent)\W*$|\b(talk|speak|chat) (to|with) (an? )?(real )?(human|person|somebody|someone|agent)\b|\breal person\b/i,
  wishes: {
    fillers:
      'i we id im a an the to for my me you your please pls just then and of it this that would like want can could may so hi hello hey um uh oh ok yes now actually sorry well really also there too still bot sir madam',
    person: `
      on the phone, by phone, with the teacher, with the tutor, to the teacher, to the tutor, real someone, call me, call .. me, ring me, phone me, phone call, phone number, give .. a call, someone .. call, somebody .. call, speak to, speak with, talk to, talk with, chat with, real human, real person, actual person,
      actual human, live agent, human being, a human, =human, =person, =agent, customer service, customer support, get in touch, contact you, contact someone, not a bot, not a robot, no bot, no bots, to a bot, a bot, a robot, with a human, urgent, urgently, emergency, stop .. robot, stop .. bot, are you a robot, rather someone,
      someone real, connect me, put me through, your number, phone nr, telephone number, please call, are you real, you real, a real one, this a bot, you a bot, chatbot, reach you, your boss, manager, supervisor, =someone help, =somebody help, =someone .. help, =anyone .. help, speak .. tutor, speak .. teacher, talk .. teacher,
      talk .. tutor, to a colleague, real people, =operator, your email, email address, question for the teacher, question for the tutor, question for my teacher, question for my tutor, doesnt understand me, dont understand me, bot doesnt, bot does not, you dont understand, not understanding me, customer care, give me a ring`,
    ill: `
      sick, =ill, am ill, im ill, is ill, are ill, was ill, feel ill, feeling ill, fallen ill, got ill, very ill, ill today, unwell, flu, fever, covid, corona, hospital, not feeling well, dont feel well, feel .. bad, feeling bad, headache, migraine, throwing up, funeral, accident, passed away, have a cold, caught a cold,
      bad cold, threw up, vomit*, broke my, broke his, broke her, broken leg, broken arm, grandma died, grandpa died, died, passed on, under the weather, stomach bug, stomach ache, sore throat, tested positive, feel sick, in bed with, concussion, injured, bereavement, sickness, ear infection, food poisoning, im not well,
      am not well, poorly, death in the family, death in my family, feeling rough, tummy, sick at home, ambulance, isnt feeling, not feeling great, not feeling so well, doesnt feel well`,
    cancel: `
      cancel*, call off, called off, drop .. lesson, delete .. booking, delete .. appointment, remove .. booking, off the schedule, no longer want .. lesson, scrap .. lesson`,
    move: `
      reschedul*, postpon*, put off, move .. lesson, moving .. lesson, move .. class, move .. appointment, move .. booking, change .. my lesson, change .. my booking, change .. my appointment, push back, pushed back, shift .. class, shift .. lesson, shift .. appointment, swap .. lesson, bring forward,
      rebook .. lesson, move it to another day, another day instead`,
    quit: `
      =i want to stop, =we want to stop, =id like to stop, =wed like to stop, =i would like to stop, =we would like to stop, =i want to quit, =we want to quit, =id like to quit, =wed like to quit, =i would like to quit, =we would like to quit, =can i stop,
      stop .. weekly, end .. weekly lesson, end .. weekly lessons, weekly lesson .. stop, unsubscribe, quit .. lessons, stop .. lessons, withdraw, end .. weekly, end .. regular lesson, stop .. regular lesson, stop .. recurring, no longer every, no more weekly, weekly lessons anymore, weekly lesson anymore,
      weekly lessons any more, weekly lesson any more, discontinue, no longer weekly, pause .. lesson, pause .. lessons`,
    weeklyLesson: `
      weekly lesson*, weekly class*, weekly slot, weekly session*, weekly appointment*, weekly booking*, weekly time, regular lesson*, regular class*, regular slot, regular session*, regular appointment*, regular booking*, regular time, recurring lesson*, recurring class*, recurring slot,
      recurring session*, recurring appointment*, recurring booking*, recurring time, fixed lesson*, fixed class*, fixed slot, fixed session*, fixed appointment*, fixed booking*, fixed time, standing lesson*, standing class*, standing slot, standing session*, standing appointment*, standing booking*,
      standing time, weekly tutoring, lesson every, lessons every, class every, all my lessons, all lessons, all of my lessons, all the lessons, all future lessons, all our lessons, whole series, cancel all, cancel both, cancel them all, cancel everything, both lessons, =both, =both of them, =all, =all of them, =every one, =everything, =weekly`,
    myWeekly: `
      my weekly, my regular, my recurring, our weekly, our regular, our recurring, his weekly, his regular, his recurring, her weekly, her regular, her recurring, the weekly, the regular, the recurring`,
    weeklyMoved: `
      to monday, to tuesday, to wednesday, to thursday, to friday, to saturday, to sunday, move, moved, moving, change, changed, switch, switched, swap, shift, instead, another day, another time, different day, different time, other day, earlier, later, mondays, tuesdays, wednesdays, thursdays, fridays, saturdays, sundays, be on monday, be on tuesday, be on wednesday,
      be on thursday, be on friday, be on saturday, be on sunday, from now on`,
    absent: `
      wont work, not going to work, have to skip, need to skip, cant come, cannot come, can not come, wont come, cant make, cannot make, wont make, can not make, not able to come, not coming, not able to make, unable to, cant attend, cannot attend, miss .. lesson, miss .. class, something came up, no lesson,
      no lessons, dont need .. lesson, dont want .. lesson, wont be able, not be able to, wont be there, not be there, wont be here, cant be there, cannot be there, cant do it, doctors appointment, going to miss, have to miss, got to miss, not going to make, to the dentist, see a doctor, to the doctor,
      skip this week, skip next week, skip the lesson, skip .. lesson, skip .. class, skip today, skip tomorrow, this time .. cant, this time .. cannot, cant .. this time, cannot .. this time, not this time, on holiday, be away, on vacation`,
    change: `
      change .. lesson, change .. appointment, change .. booking, change .. time, lesson .. another day, lesson .. another time, lesson .. earlier, lesson .. later, push it, push .. lesson, swap .. slot, swap .. time, instead of tuesday, instead of monday, instead of wednesday, instead of thursday, instead of friday,
      my lesson to, my lesson be on, my lesson on`,
    late: `
      running late, be late, im late, too late, min late, mins late, minutes late, a bit late, little late, in traffic, delayed, train is late, bus is late, forgot .. lesson, forgot .. class, forgot .. appointment, overslept, slept in`,
    money: `
      money back, refund*, reimburs*, charged twice, paid twice, double charged, charged double, overcharged, wrong amount, already paid, have paid, ive paid, i paid, payment .. failed, payment .. not work*, payment .. doesnt work, cant pay, cannot pay, can not pay, paying .. not work*, chargeback, compensation,
      charged .. twice, paid .. twice, cash, bank transfer, wire transfer, paypal, want my money, my money, declined, didnt go through, did not go through, not gone through, payment .. go through, get my payment, got my payment, receive .. payment, received .. payment, payment .. arrived, payment .. received, payment .. arrive,
      billed twice, billed two times, charged two times, paid two times, charged my card, charged .. double, pay later, pay afterwards, paid too much, charged too much, credit card, apple pay, google pay, in installments, in instalments, money .. refunded, pay by card, took the money, took money, payment error, payment problem,
      payment keeps, keeps failing, just paid, have just paid, discount, discounts, promo code, voucher, coupon, gift card, =paid`,
    complaint: `
      complain*, unhappy, dissatisfied, not satisfied, not happy, disappointed, disappointing, disappointment, unacceptable, ridiculous, scam, scammed, terrible, awful, horrible, angry, furious, lawyer, bad lesson, bad experience, bad service, very bad, never showed, didnt show, did not show, no show, nobody came, no one came,
      didnt come, still waiting, still no, didnt turn up, did not turn up, nobody showed, no one showed, nobody is here, no one is here, nobody there, no one there, nobody here, no one here, nobody is there, been waiting, keep waiting, kept waiting, rude, is a joke, not good enough, never reply, never respond, never answer,
      no reply, no response, annoyed, upset, unprofessional, disrespect*, not acceptable, let down, fed up, waste of money, waste of time, poor service, worst service, worst lesson, worst experience, worst ever, lesson was bad, where is the teacher, where is the tutor, where is my teacher, where is my tutor, wheres the teacher,
      wheres the tutor, wheres my teacher, =where are you, tutor is not here, teacher is not here, teacher isnt here, tutor isnt here, teacher is late, tutor is late, went wrong, waste of, no one has, nobody has arrived, nobody has come`,
    invoice: `
      invoice, invoices, receipt, receipts, the bill, a bill, proof of payment, vat, invoce, invoise, payment confirmation, confirmation of payment, for my employer, for taxes, tax purposes, expenses`,
    lesson: `
      need to bring, should i bring, bring anything, who is my, whos my, what should i prepare, what do i need to prepare`,
    seeLesson: `
      what time was, what time is my, what time is the lesson, what time does, when is my, when was, when does my, which day was, my appointment, time again, when do i have, what time do i, remind me, next lesson, lesson still on, class still on, still on for, booking confirmed, my booking, booking go through,
      booking went through, no confirmation, a confirmation, confirmation email, what time are we, what time do we, when do we, when are we, whens my, when is the lesson, when is the next, what day is my, which day is my, what day is the, do i have a lesson, do i have lesson, do i have class, when exactly,
      =my lesson, =my lessons, =my class, see my lesson, see my lessons, show my lesson, show me my lesson, show my lessons, which lessons do i have, when are my`,
    whereLesson: `
      where is the lesson, where .. my lesson, what address, which address, your address, the address, zoom link, meet link, teams link, where do we, where are we meeting, whats the zoom, is it online, be online, join the lesson, join the class, join the call, where should i go, where must i, where do i go,
      where do i need, where do i have, which platform, what platform, at your place, at my place, how do i get there, where will it, where is it`,
    myLesson: 'my lesson, my lessons, my class, my appointment, my booking, my booked lesson',
    book: `
      =book, =booking, =lesson, =lessons, =book lesson, book .. lesson, book .. lessons, book .. class, book .. session, book .. slot, book .. appointment, schedule .. lesson, schedule .. class, schedule .. session, schedule .. appointment, make .. appointment, make .. booking, make .. reservation, reserve .. lesson,
      like .. lesson, like .. lessons, like .. class, want .. lesson, want .. lessons, need .. lesson, have .. lesson, get .. lesson, another lesson, new lesson, plan .. lesson, =schedule, =appointment, =reserve, sign me up, sign .. up, enroll, enrol, availability, available, any slots, free slots, any space, open slots,
      want to book, like to book, can i book, could i book, arrange .. lesson, arrange .. class, arrange .. session, set up .. session, set up .. lesson, set up .. class, when are you free, when are you available, any openings, openings, space for, room for, spot for, any spots, free spots, come for .. lesson, come for .. class,
      take .. lesson, take .. class, wanna .. lesson, start lessons, start classes, start tutoring, what times do you have, which times do you have, when can i come, sign up, book me in, schedule something, do you have slots, have slots, any slot, slot available, get .. appointment, have .. appointment, book something,
      book .. tutoring, book .. tutor, reserve .. class, reserve .. session, want .. class, want .. session, like .. session, need .. class, need .. session, start with lessons, join .. class, i want tutoring, love to book`,
    newLesson: `
      a lesson, a class, another lesson, another class, new lesson, extra lesson, a trial, one more, a session, second lesson, more lessons`,
    seeking: `
      need .. tutor, need .. tutoring, looking for .. tutor, looking for .. tutoring, looking for .. lesson, looking for .. lessons, looking for .. class, looking for .. classes, looking for .. teacher, need .. lessons, need .. help with, lessons for, tutoring for, tutoring in, help with, do you teach, do you offer,
      do you tutor, do you give, need help, needs help, needs .. tutor, needs .. lessons, searching for, seeking, struggling with, struggles with, failing, tutor for, want tutoring, want .. tutor, do you do, a question, a quick question, quick question, ask something, ask you something, ask .. question`,
    trial: `
      trial, trial lesson, free lesson, free class, free trial, try .. lesson, =free, =try, try .. first, try it, try .. out, taster, taster lesson, taster class, trail lesson, free trail, first lesson .. free, first class .. free, one lesson first, intro lesson, introductory`,
    prices: `
      price, prices, pricing, =rates, your rates, fee, fees, tariff, how much, what .. cost, what .. costs, =cost, =costs, =rate, cost of, how expensive, what .. charge, is it expensive, expensive, is it free, hourly, per hour, how long is, how long does, how long are, what do you take, cost for, pricey, how costly`,
    packages: `
      package, packages, =bundle, bundle of lessons, block of lessons, 5 lessons, 10 lessons, 20 lessons, five lessons, ten lessons, twenty lessons, several lessons at once, punch card, multi lesson`,
    lessonsLeft: `
      how many lessons do i have, how many lessons have i, how many lessons .. left, how many classes .. left, how many hours .. left, how many minutes .. left, =balance, my balance, left in my package, left on my package, left of my package`,
    menu: `
      =menu, =main menu, =go back, =options, =help, =start, =restart, main menu, to the menu, what can you do, start over, start again, =choices, go to menu, the menu, back to start, what can i do, how does this work, how does it work, =mneu, main menue, how it works, take me back, back to menu`,
    otherTimes: `
      other time, other times, another time, different time, different times, other day, other days, another day, different day, more times, more options, other options, other slots, more slots, =other, =others, =more, =later, none of, doesnt work, dont work, doesnt suit, anything else, something else, something later,
      anything later, show me more, show more, see more, dont suit, doesnt suit me, cant do any, cant do those, cant do that, cant do these, what else, nothing else, other hours, other hour, different hour, another hour, another slot, different slot, different slots, not suitable, none work, next times, next options,
      other dates, another date, different date, different dates, what other times, more dates`,
    payLink: `
      =link, =payment link, send .. link, resend, link again, new link, link .. not work*, link .. doesnt work, link .. expired, link broken, where .. link, lost .. link, no link, need .. link, where .. pay, how .. pay, =pay, link isnt working, link isnt, link not, link doesnt, link wont, =send it again, send it again,
      cant open .. link, cant find .. link, find .. payment link, link has expired, want to pay, pay now, pay page, payment page, where do i pay, have .. link, resend the link, pay the lesson, pay for the lesson, how to pay`,
    greeting: `
      hi, hello, hey, hiya, heya, good morning, good afternoon, good evening, good day, morning, greetings, anyone there, anybody there, are you there, you there, there, is anyone there, is anybody there, is someone there, everyone, all, sir, madam, maam, miss, mr, mrs, heyy, hii, helo, hallo, hey tutor, tutor, teacher, team,
      folks, how are you, how are you doing, hows it going, how is it going, anyone home, anybody home, good mornin, gm, dear, dear sir, dear madam, sir or madam, howdy, sup, whats up, anybody, anyone, bot, hey hey, hi again, hello again, again`,
    thanks: `
      see you tomorrow, see you monday, see you tuesday, see you wednesday, see you thursday, see you friday, see you saturday, see you sunday, see you next week, see you soon, thanks, thank you, thank u, thankyou, thx, thnx, ty, tysm, cheers, ok, okay, okey, k, great, cool, nice, perfect, super, good, fine, lovely, awesome,
      brilliant, excellent, wonderful, amazing, got it, understood, sounds good, sounds great, all good, see you, see you then, see ya, bye, goodbye, take care, have a nice day, have a good day, a lot, so much, very much, many, for your help, for the help, for everything, no problem, no worries, alright, noted, will do, haha,
      lol, much appreciated, appreciate it, works, np, sorry, apologies, mate, cheers mate, talk soon, see you on monday, see you on tuesday, see you on wednesday, see you on thursday, see you on friday, see you monday then, speak soon, a million, a bunch, great weekend, have a great weekend, have a nice weekend,
      have a good weekend, have a great day, have a nice evening, have a good evening, good night, goodnight, cya, you too, same to you, likewise, looking forward, looking forward to it, look forward to it, for the quick reply, for your reply, for the reply, for the info, for your time, for your quick reply, for letting me know,
      okie, oki, okey dokey, good to know, will be there, be there, sweet, fab, fantastic, ace, nice one, youre welcome, welcome, x, xx, great stuff, thats all, thats it, nothing else, that is all, that will be all, thats everything, for your patience, for helping, for getting back to me, much obliged, legend, all sorted, sorted, have a good one, for the reminder, for reminding me, for your reminder`,
    yes: `
      yes, yeah, yea, yep, yup, sure, ok, okay, please, yes please, please do, of course, definitely, absolutely, that would be great, that would be nice, sounds good, great, good, fine, i would, y, sure thing, yes i do, yes that would be great, yes that would be nice, yes i would, yes i want, i do, that would be good,
      sounds fine, yes sure, go ahead, go for it, please go ahead, thats fine, that works, perfect, book it, yes book it, reserve it, certainly, indeed, ya, okay sure, ok sure, thats great, thats perfect, thats good, works for me, thats ok, thats okay, thatd be great, thatd be nice, thatd be good, that would be lovely,
      thatd be lovely, yup please, yes thanks, yess, do it, lets do it, lets do that, lets go for it`,
    no: `
      no, nope, no thanks, no thank you, not needed, not necessary, nah, no need, not really, no its fine, no im good, im good, no im fine, im fine, no thats ok, no thats okay, no thats fine, no its ok, no not really, naw, id rather not, rather not, no ty, think about it, let me think about it, think it over, let you know,
      ill let you know, get back to you, none, neither, need to think about it, have to think about it, check with, thats all, nothing else, no thats all, no nothing else, not at the moment, not right now, one moment, one sec, one second, one minute, hold on, wait, give me a sec, give me a minute, brb, be right back, a moment,
      will pay soon, pay in a minute`,
    back: `
      never mind, nevermind, nvm, stop, cancel, cancel it, cancel that, cancel this, forget it, forget about it, not now, abort, quit, dont want it, dont want to, no longer needed, changed my mind, ive changed my mind, i changed my mind, maybe later, another day, some other time, never mind thanks, dont want to anymore,
      not anymore, leave it, drop it, dont want .. lesson anymore, dont want a lesson, dont want a lesson anymore, no lesson anymore, maybe another time, maybe another day, another time maybe, some other time maybe, stop it, dont bother, please cancel, not interested, not interested anymore, no longer interested,
      forget about that, nah forget it, nah never mind, no never mind, no forget it, forget this, dont want it anymore, dont want that anymore, actually no, actually no thanks, actually not, no actually not, sorry changed my mind, please stop, leave it thanks, never mind thank you, no thanks forget it, no thank you forget it`,
    stop: 'stop, stop it, stop please, stop messaging me, stop texting me, stop this',
    noReminders: `
      no reminder, no reminders, no more reminders, no further reminders, stop reminders, stop the reminders, stop these reminders, stop all reminders, stop sending reminders, stop sending me reminders, stop sending me these reminders, stop reminding, reminders off, turn off .. reminders, turn off reminders, dont remind, do not remind, dont .. reminders, do not .. reminders, dont .. reminder, without reminders,
      no need for reminders, no need to remind, unsubscribe .. reminders`,
    reminders: `
      reminders on, reminders .. on, turn on reminders, turn on .. reminders, reminders again, reminders back, remind me again, send .. reminders, start .. reminders, want .. reminders, like .. reminders, need .. reminders, reminders please`,
  },
  recognisedBy: {
    surely: 'would the hello lesson lessons tomorrow my you your english thank have does ive im whats dont',
    perhaps:
      'i can could how much what when like book want need for with it at and are price son daughter good morning afternoon evening next please thanks time class to me there any this that monday tuesday wednesday thursday friday saturday sunday today learn possible',
  },
  asking: {
    inside: `
      do you speak @, can you speak @, you speak @, do @, is @ ok, is @ okay, is @ possible, is @ fine, can we speak @, we speak @, anyone speak @, anyone speaks @,
      speak in @, talk in @, write in @, reply in @, answer in @, switch to @, continue in @, chat in @, prefer @`,
    alone: 'in @, @ please, please @, @ pls, @ instead, @ only, rather @, use @, speak @, talk @, write @',
    lacks: `
      dont speak @, dont understand @, do not speak @, do not understand @, cant speak @, cannot speak @, cant read @,
      dont read @, dont know @, no @, speak no @, not speak @, not understand @`,
    fillers:
      'can could may we you i do this it be is also and or possible continue maybe please hi hello sorry if would like to want have conversation chat the',
    subjects:
      'lesson lessons class classes course learn learning tutoring tutor teach teacher exam test homework grade help subject',
  },
  numbers: {
    markers: ['option', 'number', 'nr', 'no', 'choice'],
    ordinals: { first: 1, second: 2, third: 3, fourth: 4, fifth: 5, sixth: 6 },
    fillers: 'the that one please pls then is good fine ok okay yes i take ill choose pick want',
  },
  times,
  pupils,
  mail: {
    on: 'on',
    wrote: 'wrote',
    headers: 'from, sent, date, to, cc, subject',
    signature: `
      regards, kind regards, best regards, warm regards, best wishes, sincerely, yours sincerely, cheers, sent from my,
      sent from outlook, get outlook`,
  },
  texts: {
    greeting: tutor => `You are chatting with the digital assistant of ${tutor}.`,
    menu: 'Hi! What can I do for you?',
    choices: {
      menu: 'Back to the menu',
      book: 'Book a lesson',
      trial: 'Free trial lesson',
      prices: 'Prices',
      human: 'Talk to a person',
      other_times: 'Other times',
      pay_link: 'Send the link again',
      other_time: 'Another time',
      my_lesson: 'My lesson',
      move_lesson: 'Move the lesson',
      cancel_lesson: 'Cancel the lesson',
      keep_lesson: 'Change nothing',
      unpaid_lesson: 'The unpaid lesson',
      every_week: 'Every week',
      other_pupil: 'Another pupil',
    },
    otherLength: minutes => `${minutes} minutes instead`,
    packageChoice: (lessons, minutes) => `${lessons} lessons (${minutes} min)`,
    when: (date, time, zone) => `${date} at ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Lesson',
    sorryForWait: 'Sorry for the wait.',
    notUnderstood: 'Sorry, I did not understand that.',
    languages: names =>
      `I only read and write ${names}. Please write to me in one of these; if you write in another again, a person will come.`,
    offerPerson: 'Sorry, I still do not understand. Would you like to talk to a person?',
    handoff: 'One moment please: someone from our team will take over this conversation.',
    cannotListen:
      'I can’t listen to voice messages or look at pictures and locations. Someone from our team will look at it and answer you here.',
    awaitsPayment: when => `Your lesson on ${when} is reserved and awaits your payment. What would you like to do?`,
    didNotWork: 'Sorry, that did not work just now. Someone from our team will look at it and answer you here.',
    prices: lines => `Our prices:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} minutes: ${amount}`,
    packages: lines => `Lesson packages:\n${lines.join('\n')}`,
    package: (lessons, minutes, amount) => `${lessons} lessons of ${minutes} minutes: ${amount}`,
    packagePay: (lessons, minutes, url, until, amount) =>
      `A package of ${lessons} lessons of ${minutes} minutes costs ${amount}. You can pay it here until ${until}: ${url}`,
    lessonsLeft: left => `You have ${left} left.`,
    noPackage: 'I see no lesson package of yours here.',
    noLessonsLeft: 'You have no paid lessons left.',
    packageCorrected: 'We have corrected your lesson package.',
    paidFromPackage: 'It is paid from your lesson package.',
    willReturnToPackage: 'It goes back into your lesson package.',
    returnedToPackage: 'It is back in your lesson package.',
    packageRefunded: 'Your lesson package has been refunded: nothing goes back into it.',
    lessonsAndMinutes: (lessons, minutes, rest) => {
      if (lessons === 0) return `${rest} minutes`
      const all = `${lessons} ${lessons === 1 ? 'lesson' : 'lessons'} of ${minutes} minutes`
      return rest === 0 ? all : `${all} and ${rest} minutes`
    },
    chooseTime: minutes =>
      `When would you like your lesson of ${minutes} minutes? You can also write a day and a time.`,
    thisTime: (when, minutes) => `${when} is free for a lesson of ${minutes} minutes. Shall I reserve it for you?`,
    noTimes: 'There are no free times in the coming days. A person will look for one with you.',
    tooFar: until => `That is too far ahead: lessons can be booked until ${until}. These times are the nearest.`,
    tooSoon: from => `That is too short notice: the first lesson can be on ${from}. These times are the nearest.`,
    notOnThatDay: days => `There are no lessons on that day, only ${days}. These times are the nearest.`,
    notAtThatHour: hours => `There are no lessons at that hour, only ${hours}. These times are the nearest.`,
    closed: days => `There are no lessons ${days}. These times are the nearest.`,
    dayRange: (from, until) => `from ${from} to ${until}`,
    onDays: days => `on ${days}`,
    hourRange: (from, until) => `between ${from} and ${until}`,
    notThen: 'No lesson begins at exactly that time. These times are the nearest.',
    noEarlier: 'Unfortunately nothing earlier is free. These are the first times.',
    weekly: 'I can book one lesson at a time. For a fixed time every week, choose “Talk to a person” afterwards.',
    otherRhythm:
      'I can’t book such a rhythm by myself, only a single lesson. For a fixed time, choose “Talk to a person” afterwards.',
    weeklyHow: 'For a fixed time every week, write the day and the time, like “every Tuesday 5 pm”.',
    weeklyOneByOne: 'Fixed times go one by one: write one first, like “every Tuesday 5 pm”.',
    weeklyTooFar: until =>
      `A weekly lesson can begin until ${until}. To begin later, choose “Talk to a person”, or write again nearer the time.`,
    thisWeekly: (day, time, minutes, first) =>
      `Every ${day} at ${time}, ${minutes} minutes, the first time on ${first}. Shall I book that for you every week? You can stop whenever you like.`,
    weeklyExcept: 'To skip a week, cancel that lesson afterwards.',
    weeklyTaken: 'Sorry, that time is not free every week. A single lesson is possible.',
    weeklyBooked: (day, time, first) =>
      `Your weekly lesson is booked: every ${day} at ${time}, the first one on ${first}. See you then!`,
    weeklyPaid: 'You pay for each lesson by itself: the payment link comes here, a few days before it.',
    weeklyFromPackage: 'The lessons come off your package; without one a payment link comes here, a few days before.',
    weeklySkipped: days => `Your weekly lesson can't take place on these days: ${days}.`,
    weeklyEnded: (day, time) => `Your weekly lesson every ${day} at ${time} has ended.`,
    payLesson: (when, url, until, amount) =>
      `Your lesson on ${when} is not paid yet. Please pay ${amount} by ${until} here: ${url}`,
    otherLengths: minutes => `A lesson takes ${minutes.join(' or ')} minutes.`,
    lastTimes: 'There are no other free times in the coming days.',
    allShown: 'Those were all the free times. Here they are again.',
    inZone: zone => `All times are in the time zone ${zone}.`,
    taken: 'Unfortunately that time is not free any more.',
    payFirst: (when, url, until, amount) =>
      `Your lesson on ${when} is reserved. Please pay ${amount} before ${until} to make it final: ${url}`,
    paymentUnderWay: 'Your payment is on its way. We will let you know as soon as it has arrived.',
    timeKept: when => `Your lesson on ${when} is reserved for you.`,
    timeNotKept: when => `Please note: your lesson on ${when} is not reserved until the payment is in.`,
    trialBooked: when => `Your free trial lesson is booked: ${when}. See you then!`,
    booked: when => `Your lesson is booked: ${when}. See you then!`,
    online: link => `The lesson is online: ${link}`,
    atPlace: place => `The lesson is here: ${place}`,
    paid: amount => `Thank you! We have received your payment of ${amount}.`,
    paidPage: { title: 'Thank you!', text: 'You can close this window. The confirmation will be in your chat.' },
    paidButTaken: 'Unfortunately the time you chose is not free any more. Your payment counts for another one.',
    paidButPast: 'The time you chose has already passed. You can use your payment for another time.',
    personBooks: 'Someone from our team will put your lesson into the calendar and confirm the time to you.',
    paymentFailed: 'Unfortunately your payment did not succeed. Nothing was charged.',
    expired: when =>
      `Your reservation for ${when} has lapsed, because it was not paid in time. Would you like to choose a time again?`,
    refunded: amount => `Your payment of ${amount} has been refunded.`,
    refundFailed: amount =>
      `Unfortunately the refund of ${amount} did not arrive. We are sorting it out, and you will hear from us.`,
    cancelled: when => `Your lesson on ${when} is cancelled.`,
    lessonAt: (when, minutes) => `Your lesson: ${when}, ${minutes} minutes.`,
    lessonPaid: amount => `Paid: ${amount}.`,
    lessonFree: 'This lesson is free.',
    lessonUnpaid: 'This lesson is not paid yet.',
    unpaidAfterAll: when => `Your lesson on ${when} is not paid yet after all: we had noted your payment by mistake.`,
    lessonHeld: 'Your payment is still on its way. Until it arrives, this time is reserved for you.',
    changeLesson: 'Would you like to move or cancel this lesson?',
    whichLesson: 'Which lesson do you mean?',
    lessonGone: 'You do not have that lesson (any more).',
    lessonChanged: 'Your lesson has been moved meanwhile.',
    lessonBegun: when => `Your lesson of ${when} has already begun.`,
    lessonKept: when => `All right, your lesson stays as it is: ${when}.`,
    moveTo: when => `When would you like your lesson of ${when} instead? You can also write a day and a time.`,
    moveToThis: (from, to) => `${to} is free. Shall I move your lesson of ${from} to it?`,
    moved: (from, to) => `Your lesson of ${from} has been moved to ${to}. See you then!`,
    askCancel: when => `Do you want to cancel your lesson of ${when}?`,
    willRefund: amount => `You will get ${amount} back.`,
    willStopPayment: amount =>
      `Your payment of ${amount} is still on its way: it will be stopped, or paid back to you.`,
    personRefunds: 'Whether you get it back is decided by a person. You will hear it here.',
    noRefund: 'You will not get any money back for it.',
    onlyByChoice: 'This can be done with the choice below only. It is good for 15 minutes.',
    cancelChoice: when => `Cancel ${when}`,
    cancelChoiceRefund: (when, amount) => `Cancel ${when}, ${amount} back`,
    questionOver: 'That question is more than 15 minutes old. Here it is again.',
    paymentStopped: 'Your payment has been stopped: nothing will be charged.',
    refundAwaited: amount => `You will get your payment of ${amount} back as soon as it has arrived.`,
    reminder: when => `Reminder: you have a lesson on ${when}. Has anything changed? Then reply here.`,
    remindersOff: 'You will not get reminders any more. If you want them back, write “reminders on”.',
    remindersOn: 'You will get a reminder before your lesson again.',
    forWhom: 'Who is the lesson for?',
    pupilName: 'What is the pupil’s name? I will book the lesson in that name.',
    otherPupilName: 'What is the other pupil’s name?',
    pupilUnknown: name =>
      `I don’t know ${name} yet. Choose ${name} to add a pupil of that name, or who else the lesson is for.`,
    pupilSet: name => `All right, for ${name}.`,
    pupilsSet: names => `All right, the pupils are ${names}.`,
    pupilRenamed: name => `All right, I will write ${name} from now on.`,
    pupilBooked: 'A lesson that is booked already keeps its name. I will pass on that it should change.',
    tooManyPupils: 'I can’t remember more than seven pupils here.',
    pupilIs: name => `Pupil: ${name}.`,
    linkExpires: (when, until, url) =>
      `Your payment link expires at ${until}. After that your lesson on ${when} is not reserved any more. You can still pay here: ${url}`,
  },
}
