#!/bin/sh
# The `litestream` command of npm's @flydotio/litestream 1.0.1 ends with 0 whatever the program has ended with: a script that
# restores, or a service manager, takes a failure for a success. The program in the package for the platform ends with 1.
# What helps: call node_modules/@flydotio/litestream-<platform>-<arch>/litestream itself.
# Exits with 1 if this is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
npm init -y > npm.log
npm install --no-audit --no-fund --ignore-scripts @flydotio/litestream@1.0.1 >> npm.log 2>&1
# There is no copy of this: nothing can be restored.
restore() { if "$1" restore -o out.db "file://$folder/none" > out.log 2>&1; then echo 0; else echo $?; fi; }
command=$(restore node_modules/.bin/litestream)
program=$(restore "$(echo node_modules/@flydotio/litestream-*-*/litestream)")
cat out.log
echo "@flydotio/litestream 1.0.1: the command ended with $command, the program with $program"
if [ "$command $program" = '0 1' ]; then echo 'as known'; else echo CHANGED; exit 1; fi
