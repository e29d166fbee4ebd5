import type { PupilWords } from './pupils.ts'

export const pupils: PupilWords = {
  before: 'for',
  my: 'my our',
  children:
    'son daughter child children kid kids sons daughters boy girl grandson granddaughter grandchild stepson stepdaughter eldest oldest youngest',
  relations: 'brother sister nephew niece pupil student',
  called: 'is called, called, named, is named, whose name is, name is, s name is, is',
  and: 'and',
  not: 'not',
  but: 'but',
  isReally: 'is actually called, is really called, is actually, is actually named, s name is actually',
  other:
    'another pupil, another student, another child, my other child, my other son, my other daughter, other pupil, other student, other child, someone else, somebody else',
  fillers: 'this time now please it is its s the lesson lessons a for yes then i mean rather instead no again want are',
  nameIs:
    'his name is, her name is, their name is, the name is, name is, he is, she is, he is called, she is called, it is, its, called, my son is, my daughter is',
  aged: 'of aged age who is',
  years: 'years year old yo yrs yr',
  yearsOld: 'yearold',
  hasCapitalNouns: false,
  noNames:
    'me us you him her them everyone everybody someone anyone no nobody all both two three one a an the this that these those every which who what has have had wants want would can could will should must is are was be does needs to at in on with from by and or but also not please gcse gcses sat sats act ib ielts toefl cambridge oxford year grade class school exam exams test tests homework coursework maths math mathematics english dutch german french spanish latin greek physics chemistry biology economics history geography statistics science computing music christmas easter holiday holidays summer spring autumn winter max maximum help tutoring tuition support lesson lessons trial free sure now today tomorrow thanks hello hi hey yes ok okay fine great price money info information later sooner example instance',
}
