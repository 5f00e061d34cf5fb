# shellcheck shell=sh
# Starts a Slurm of one machine for the shell that reads this, and stops it when that shell ends.

slurm=$(mktemp -d /tmp/slurm.XXXXXX)
host=$(hostname -s)
chmod 755 "$slurm"
mkdir "$slurm/munge" "$slurm/state" "$slurm/spool"
head -c 1024 /dev/urandom >"$slurm/munge/key"
chmod 700 "$slurm/munge"
chmod 600 "$slurm/munge/key"
export SLURM_CONF="$slurm/slurm.conf"

# shellcheck disable=SC2046 # two numbers
set -- $(lua5.4 -e 'local socket = require "cqueues.socket"
  local open = {}
  for i = 1, 2 do
    open[i] = socket.listen { host = "127.0.0.1", port = 0 }
    open[i]:listen()
    io.write(select(3, open[i]:localname()), " ")
  end')

cat >"$SLURM_CONF" <<CONF
ClusterName=spec
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

stop_slurm() {
  for name in slurmd slurmctld munged; do
    [ ! -s "$slurm/$name.pid" ] || kill "$(cat "$slurm/$name.pid")"
  done
  sleep 0.5
  rm -rf "$slurm"
}
ends="${ends-} stop_slurm"
# shellcheck disable=SC2154 # in the trap
trap 'for end in $ends; do "$end"; done' EXIT

PATH=$PATH:/usr/sbin
munged --force --key-file="$slurm/munge/key" --socket="$slurm/munge.socket" \
  --pid-file="$slurm/munged.pid" --log-file="$slurm/munged.log" --seed-file="$slurm/munged.seed"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
# the scheduler begins some seconds later, and sbatch --wait asks after 2 s and then after 10 s
for _ in $(seq 100); do
  if sinfo -h -t idle -o %t | grep -q idle && grep -q SchedulerParameters= "$slurm/slurmctld.log"
  then break; fi
  sleep 0.1
done
