#!/bin/sh
# Litestream 0.3.13 beside an application that erases data with SQLite's secure_delete and then empties the log: while
# Litestream runs it keeps a read transaction open, so `PRAGMA wal_checkpoint(TRUNCATE)` is busy however often it is tried,
# and the erased text stays in the -wal file. Once Litestream has ended, the same checkpoint empties the log.
# What helps: stop it, empty the log, remove its folder beside the database and the copy, start it again.
# Exits with 1 if this is no longer so.
set -eu
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2> /dev/null || true; rm -rf "$folder"' EXIT INT TERM
cd "$folder"
npm init -y > npm.log
npm install --no-audit --no-fund --ignore-scripts @flydotio/litestream@1.0.1 >> npm.log 2>&1
program=$(echo node_modules/@flydotio/litestream-*-*/litestream)
cat > app.py << 'EOF'
import sqlite3, sys
db = sqlite3.connect('app.db', isolation_level=None, timeout=1)
db.execute('PRAGMA journal_mode = WAL')
db.execute('PRAGMA secure_delete = ON')
if sys.argv[1] == 'write':
    db.execute('CREATE TABLE person (name TEXT)')
    db.execute("INSERT INTO person VALUES ('a name to erase')")
    sys.stdin.readline()
db.execute('DELETE FROM person')
busy = db.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0]
print(f"busy {busy}, in the log {b'a name to erase' in open('app.db-wal', 'rb').read()}", flush=True)
sys.stdin.readline()
EOF
mkfifo keyboard
python3 app.py write < keyboard > seen.txt &
app=$!
exec 3> keyboard
until [ -f app.db ]; do sleep 0.1; done
"$program" replicate "$folder/app.db" "file://$folder/copy" > litestream.log 2>&1 &
pid=$!
until grep -q 'wal segment written' litestream.log; do sleep 0.1; done
echo >&3
until [ -s seen.txt ]; do sleep 0.1; done
kill -9 "$pid"
wait "$pid" 2> /dev/null || true
pid=
echo | python3 app.py again >> seen.txt
exec 3>&-
wait "$app"
"$program" version
cat seen.txt
if [ "$(cat seen.txt)" = "busy 1, in the log True
busy 0, in the log False" ]; then echo 'as known'; else echo CHANGED; exit 1; fi
