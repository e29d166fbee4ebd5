/** What students read. The parameters are complete: amounts have their currency, times are in the student's zone. */
export interface Texts {
  /** Before the first answer in a conversation. @param tutor the tutor's name */
  greeting(tutor: string): string
  menu: string
  /** What can be chosen, by its step in handlers/dialogue.ts. WhatsApp shows 24 characters at most. */
  choices: {
    menu: string
    book: string
    trial: string
    prices: string
    human: string
    other_times: string
    pay_link: string
    other_time: string
    my_lesson: string
    move_lesson: string
    cancel_lesson: string
    keep_lesson: string
    unpaid_lesson: string
    every_week: string
    other_pupil: string
  }
  /** A choice too: the lesson shall last so long instead. */
  otherLength(minutes: number): string
  /** A choice too: so many lessons of so many minutes, at once. */
  packageChoice(lessons: number, minutes: number): string
  /** A date and a time of day. @param zone IANA; null: it is the tutor's, and not named */
  when(date: string, time: string, zone: string | null): string
  /** What is taught, where the conversation does not say. */
  lesson: string
  /** Before the answer to what was written long ago. */
  sorryForWait: string
  notUnderstood: string
  /** After something in a language without texts. @param names of the languages that there are, as a list */
  languages(names: string): string
  offerPerson: string
  handoff: string
  /** After a voice message, a picture, a location. */
  cannotListen: string
  /** A lesson is reserved: what now? */
  awaitsPayment(when: string): string
  didNotWork: string
  prices(lines: string[]): string
  price(minutes: number, amount: string): string
  /** Which packages there are. @param lines as `package` says each */
  packages(lines: string[]): string
  /** A price, too: of so many lessons of so many minutes. */
  package(lessons: number, minutes: number, amount: string): string
  /** @param until a date and a time of day */
  packagePay(lessons: number, minutes: number, url: string, until: string, amount: string): string
  /** @param left as `lessonsAndMinutes` says it */
  lessonsLeft(left: string): string
  /** Who asks what is left has never bought any, or not in this conversation. */
  noPackage: string
  noLessonsLeft: string
  /** By the tutor; `lessonsLeft` or `noLessonsLeft` follows. */
  packageCorrected: string
  /** How a lesson was paid. */
  paidFromPackage: string
  /** What becomes of it if it is cancelled. */
  willReturnToPackage: string
  returnedToPackage: string
  /** Instead of both, if the package has been paid back at Stripe. */
  packageRefunded: string
  /** A part of others. @param rest minutes that are no whole lesson; 0: none */
  lessonsAndMinutes(lessons: number, minutes: number, rest: number): string
  chooseTime(minutes: number): string
  /** One time that is free: shall it be this one? */
  thisTime(when: string, minutes: number): string
  noTimes: string
  taken: string
  /** Why a time can't be had; the nearest ones follow. @param until the last day */
  tooFar(until: string): string
  /** @param from the first time */
  tooSoon(from: string): string
  /** @param days of the week on which there are lessons: `dayRange` or `onDays` */
  notOnThatDay(days: string): string
  /** @param hours of that day, as `hourRange` says them */
  notAtThatHour(hours: string): string
  /** @param days of a holiday: `dayRange` or `onDays` */
  closed(days: string): string
  /** Parts of these. @param from the first day, until the last one */
  dayRange(from: string, until: string): string
  /** @param days one or a list */
  onDays(days: string): string
  /** @param from a time of day */
  hourRange(from: string, until: string): string
  notThen: string
  noEarlier: string
  /** Lessons every week go through a person. */
  weekly: string
  /** Of `om de week`, `twice a week`. The free times that are meant follow. */
  otherRhythm: string
  /** Lessons every week were asked for, without a day and a time of day: how to ask for them. */
  weeklyHow: string
  /** Several weekly times were asked for in one message. */
  weeklyOneByOne: string
  /** The first lesson was to be later than can be booked. @param until the last day */
  weeklyTooFar(until: string): string
  /** A time that is free each week: shall it be this one? @param day of the week @param first when the first lesson is */
  thisWeekly(day: string, time: string, minutes: number, first: string): string
  /** Before `thisWeekly`: not in some week. */
  weeklyExcept: string
  /** Other weekly lessons are then. The free times that are meant follow. */
  weeklyTaken: string
  weeklyBooked(day: string, time: string, first: string): string
  /** After `weeklyBooked`: how they are paid. */
  weeklyPaid: string
  /** The same of who has bought a package. */
  weeklyFromPackage: string
  /** Days on which the weekly lesson can't be. @param days as a list */
  weeklySkipped(days: string): string
  weeklyEnded(day: string, time: string): string
  /** A lesson that is booked and not paid yet. @param until a date and a time of day */
  payLesson(when: string, url: string, until: string, amount: string): string
  /** Lessons of the length that was asked for are not sold. @param minutes those that are */
  otherLengths(minutes: readonly number[]): string
  /** After these there are no other times. */
  lastTimes: string
  /** All were offered: they are offered again from the beginning. */
  allShown: string
  /** The zone of all times in the offer. */
  inZone(zone: string): string
  /** @param until a time of day */
  payFirst(when: string, url: string, until: string, amount: string): string
  paymentUnderWay: string
  /** After `paymentUnderWay`: until the payment has arrived. */
  timeKept(when: string): string
  timeNotKept(when: string): string
  trialBooked(when: string): string
  booked(when: string): string
  /** Where a booked lesson is. */
  online(link: string): string
  atPlace(place: string): string
  paid(amount: string): string
  paidButTaken: string
  /** The page that Stripe sends students to after paying. */
  paidPage: { title: string; text: string }
  paidButPast: string
  personBooks: string
  paymentFailed: string
  expired(when: string): string
  refunded(amount: string): string
  refundFailed(amount: string): string
  cancelled(when: string): string
  /** A lesson that is booked. */
  lessonAt(when: string, minutes: number): string
  /** After `lessonAt`: how it is paid for. */
  lessonPaid(amount: string): string
  lessonFree: string
  lessonUnpaid: string
  /** The tutor had marked it as paid by mistake. */
  unpaidAfterAll(when: string): string
  lessonHeld: string
  /** After `lessonAt`: who can't come can have both. */
  changeLesson: string
  whichLesson: string
  /** The student has no such lesson, or not any more. */
  lessonGone: string
  /** It has been moved meanwhile; how it is now follows. */
  lessonChanged: string
  lessonBegun(when: string): string
  lessonKept(when: string): string
  /** Instead of `chooseTime`. */
  moveTo(when: string): string
  /** A time that is free: shall the lesson be moved to it? */
  moveToThis(from: string, to: string): string
  moved(from: string, to: string): string
  /** How the lesson can be cancelled follows: one of these, and `onlyByChoice`. */
  askCancel(when: string): string
  willRefund(amount: string): string
  /** A payment that has not arrived yet. */
  willStopPayment(amount: string): string
  /** After `lessonPaid`. */
  personRefunds: string
  noRefund: string
  onlyByChoice: string
  /** A choice: WhatsApp shows 24 characters at most. */
  cancelChoice(when: string): string
  /** The same where there is no limit. */
  cancelChoiceRefund(when: string, amount: string): string
  /** The 15 minutes are over; the question follows again. */
  questionOver: string
  /** After `cancelled`. */
  paymentStopped: string
  refundAwaited(amount: string): string
  /** Before a lesson; where it is follows. */
  reminder(when: string): string
  remindersOff: string
  remindersOn: string
  /** A new lesson, and there are several pupils. */
  forWhom: string
  /** A pupil is mentioned without a name. Asked once. */
  pupilName: string
  /** Another one is wanted, whose name is needed. */
  otherPupilName: string
  /** Beside the names that can be chosen: this one is not known yet. */
  pupilUnknown(name: string): string
  pupilSet(name: string): string
  /** @param names as a list */
  pupilsSet(names: string): string
  pupilRenamed(name: string): string
  /** After a pupil has changed: a lesson that is booked keeps its name. */
  pupilBooked: string
  tooManyPupils: string
  /** Whose a lesson is, where there are several pupils. */
  pupilIs(name: string): string
  /** Before a payment link expires. @param until a time of day */
  linkExpires(when: string, until: string, url: string): string
}
