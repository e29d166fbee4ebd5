#!/usr/bin/env node
'use strict'

/*
 * Entry point of `npm start` and of the package's command, in syntax that old Node versions can parse, to tell them which
 * one is needed. Then enables Node's compile cache. In a clone the sources are beside it, in the package only `dist` is:
 * one file for both, so that `npx tutorbot-webhooks` works in a clone that has built nothing.
 */

var NEEDED = '24.2'

/** @param {string} version such as 24.2 or 20.20.2 */
function isEnough(version) {
  var parts = version.split('.').map(Number)
  var needed = NEEDED.split('.').map(Number)
  return parts[0] > needed[0] || (parts[0] === needed[0] && parts[1] >= needed[1])
}

if (!isEnough(process.versions.node)) {
  console.error(`tutorbot-webhooks needs Node ${NEEDED} or later, and this is ${process.versions.node}`)
  process.exit(1)
}

var fs = require('node:fs')
var path = require('node:path')

/** The first of these paths that exists, relative to this folder. */
function first(/** @type {string[]} */ ...places) {
  return places.map(place => path.join(__dirname, place)).find(fs.existsSync)
}

// In the package's own folder, which nobody else can write to. If it is read-only, Node does without, or uses
// NODE_COMPILE_CACHE.
require('node:module').enableCompileCache(path.join(__dirname, '../node_modules/.cache/tutorbot-webhooks'))

// Without a command nothing of the commands is loaded.
if (process.argv.length === 2)
  import(first('./without-command.ts', '../dist/commands/without-command.js')).then(it => it.run())
else import(first('./cli.ts', '../dist/commands/cli.js')).then(cli => cli.runFromShell())
