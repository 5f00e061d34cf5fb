# shellcheck shell=sh
# Clusters of one machine for the shell that reads this: Slurm, and hosts that ssh reaches. All of it
# lies in the folder `cluster`, and is ended by its ids of processes when the shell ends.
#   start_slurm     munge with a key of its own, slurmctld and slurmd; SLURM_CONF leads to them
#   start_sshd      an sshd with a throw-away key; PARALLEL_SSH reaches it as node1 and node2
#   kill_tasks NAME puts a command xcompliance before the real one: its first attempt at each step of
#                   each part is killed by SIGKILL at some system call, and noted in the folder NAME

cluster=$PWD/cluster
mkdir -m 755 "$cluster"
: >"$cluster/pids"
# shellcheck disable=SC2154 # in the trap
trap 'while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$cluster/pids"' EXIT
trap 'exit 143' TERM

free_port() {
  lua5.4 -e 'local socket = require "cqueues.socket"
    local server = socket.listen { host = "127.0.0.1", port = 0 }
    server:listen()
    print((select(3, server:localname())))'
}

# in_background NAME COMMAND…
in_background() {
  log=$cluster/$1.log
  shift
  "$@" >"$log" 2>&1 &
  echo $! >>"$cluster/pids"
}

# wait_until WHAT COMMAND…: for at most 20 s
wait_until() {
  what=$1 tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ]; then
      echo "$what did not start:"
      tail -n 20 "$cluster"/*.log
      exit 1
    fi
    sleep 0.1
  done
}

# no cgroups, no accounting: processes are found by /proc, and jobs are known while slurmctld runs
write_slurm_conf() {
  host=$(hostname -s) user=$(id -un)
  cat >"$cluster/slurm.conf" <<END
ClusterName=spec
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
END
}

start_slurm() {
  mkdir -m 700 "$cluster/key" "$cluster/state" "$cluster/spool"
  head -c 1024 /dev/urandom >"$cluster/key/key"
  chmod 600 "$cluster/key/key"
  write_slurm_conf
  export SLURM_CONF="$cluster/slurm.conf"
  in_background munged munged --foreground --force --key-file="$cluster/key/key" \
    --socket="$cluster/munge.socket" --pid-file="$cluster/munged.pid" \
    --seed-file="$cluster/munge.seed" --log-file="$cluster/munged.own.log"
  wait_until munged test -S "$cluster/munge.socket"
  in_background slurmctld slurmctld -D -c
  in_background slurmd slurmd -D -c -N "$host"
  wait_until slurmd sh -c 'sinfo -h -o %T | grep -qx idle'
}

start_sshd() {
  port=$(free_port)
  if [ "$(id -u)" = 0 ]; then mkdir -p /run/sshd; fi # which it insists on
  ssh-keygen -q -t ed25519 -N '' -f "$cluster/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$cluster/user_key"
  cat >"$cluster/sshd_config" <<END
ListenAddress 127.0.0.1:$port
HostKey $cluster/host_key
AuthorizedKeysFile $cluster/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 100
SetEnv "PATH=$PATH"
END
  cat >"$cluster/ssh_config" <<END
Host node1 node2
  HostName 127.0.0.1
  Port $port
  HostKeyAlias spec
  IdentityFile $cluster/user_key
  IdentitiesOnly yes
  UserKnownHostsFile $cluster/known_hosts
END
  echo "spec $(cat "$cluster/host_key.pub")" >"$cluster/known_hosts"
  in_background sshd /usr/sbin/sshd -D -e -f "$cluster/sshd_config"
  export PARALLEL_SSH="ssh -F $cluster/ssh_config"
  wait_until sshd $PARALLEL_SSH node1 true
}

kill_tasks() {
  killed=$PWD/$1 real=$(command -v xcompliance)
  mkdir "$killed" "$killed.bin"
  cat >"$killed.bin/xcompliance" <<END
#!/bin/sh
real=$real killed=$killed
END
  cat >>"$killed.bin/xcompliance" <<'END'
case $1 in # before the output has its name, and after
extract) part=$3; set -- "fsync:1 rename:1 fsync:3 fsync:2" "$@" ;;
redact) part=$2; set -- "fdatasync:1 rename:1 fsync:4 fsync:1" "$@" ;;
*) exec "$real" "$@" ;;
esac
points=$1
shift
mkdir "$killed/$1-${part##*/}" 2>/dev/null || exec "$real" "$@"
for point in $points; do
  mkdir "$killed/at-$1-$point" 2>/dev/null || continue
  call=${point%:*}
  exec strace -f -qq -o /dev/null -e "trace=$call" \
    -e "inject=$call:signal=KILL:when=${point#*:}" "$real" "$@"
done
exec "$real" "$@"
END
  chmod +x "$killed.bin/xcompliance"
  PATH=$killed.bin:$PATH
}
