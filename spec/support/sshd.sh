# shellcheck shell=sh
# Starts an sshd for the shell that reads this, which only a key of its own can enter, and stops it
# when that shell ends; `nodes` names it for GNU parallel.

sshd=$(mktemp -d /tmp/sshd.XXXXXX)
ssh-keygen -q -t ed25519 -N '' -f "$sshd/host"
ssh-keygen -q -t ed25519 -N '' -f "$sshd/key"
port=$(lua5.4 -e 'local socket = require "cqueues.socket"
  local server = socket.listen { host = "127.0.0.1", port = 0 }
  server:listen()
  print((select(3, server:localname())))')
cat >"$sshd/config" <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $sshd/host
AuthorizedKeysFile $sshd/key.pub
PidFile $sshd/pid
StrictModes no
UsePAM no
SetEnv PATH=$PATH
CONF
cat >"$sshd/client" <<CONF
Host 127.0.0.1
  Port $port
  IdentityFile $sshd/key
  IdentitiesOnly yes
  UserKnownHostsFile $sshd/known
  StrictHostKeyChecking accept-new
  LogLevel ERROR
CONF
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
"$(command -v sshd || echo /usr/sbin/sshd)" -f "$sshd/config" -E "$sshd/log"
stop_sshd() {
  kill "$(cat "$sshd/pid")"
  rm -rf "$sshd"
}
ends="${ends-} stop_sshd"
# shellcheck disable=SC2154 # in the trap
trap 'for end in $ends; do "$end"; done' EXIT

export PARALLEL_SSH="ssh -F $sshd/client"
echo 4/127.0.0.1 >nodes
