# shellcheck shell=sh
# For the shell that reads this: kill_tasks NAME puts a command xcompliance before the real one. Its
# first attempt at each step of three parts is killed by SIGKILL, each at another system call; the
# folder NAME notes those that have died.

kill_tasks() {
  killed=$PWD/$1 real=$(command -v xcompliance)
  mkdir "$killed" "$killed.bin"
  cat >"$killed.bin/xcompliance" <<END
#!/bin/sh
real=$real killed=$killed
END
  cat >>"$killed.bin/xcompliance" <<'END'
case $1 in # before an output has its name, between two, and after all; before a report has its own
extract) part=$3; set -- "fsync:1 rename:1 fsync:3" "$@" ;;
redact) part=$2; set -- "rename:1 rename:2 fdatasync:1" "$@" ;;
*) exec "$real" "$@" ;;
esac
points=$1
shift
case $part in parts/*) ;; *) exec "$real" "$@" ;; esac
mkdir "$killed/$1-${part##*/}" 2>/dev/null || exec "$real" "$@"
for point in $points; do
  mkdir "$killed/at-$1-$point" 2>/dev/null || continue
  call=${point%:*}
  strace -f -qq -o /dev/null -e "trace=$call" \
    -e "inject=$call:signal=KILL:when=${point#*:}" "$real" "$@"
  [ $? -ne 137 ] || mkdir "$killed/dead-$1-$point"
  kill -KILL $$
done
exec "$real" "$@"
END
  chmod +x "$killed.bin/xcompliance"
  # shellcheck disable=SC2034 # the document sets it again
  usual=$PATH
  PATH=$killed.bin:$PATH
}

# submits a second time, since a task must have been killed the first time
sbatch() {
  if command sbatch "$@"; then
    echo "no task was killed"
    exit 1
  fi
  command sbatch "$@"
}
