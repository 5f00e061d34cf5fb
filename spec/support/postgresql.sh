# shellcheck shell=sh
# Starts a PostgreSQL of its own for the shell that reads this, and stops it when that shell ends.

programs=$(find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)
programs=${programs%/initdb}
PGHOST=$(mktemp -d /tmp/pg.XXXXXX) # a path that the user postgres can reach, and short enough for a socket
export PGHOST PGUSER=postgres PGDATABASE=postgres

# as root it would refuse to start
as_postgres() {
  if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi
}

if [ "$(id -u)" = 0 ]; then chown postgres "$PGHOST"; fi
as_postgres "cd $PGHOST && $programs/initdb -D data -A trust -U postgres >log && \
  $programs/pg_ctl -D data -l log -o '-k $PGHOST -c listen_addresses= -c fsync=off' -w start >>log"
trap 'as_postgres "$programs/pg_ctl -D $PGHOST/data -m immediate stop >/dev/null"; rm -rf "$PGHOST"' EXIT
