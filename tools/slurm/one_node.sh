#!/usr/bin/env bash
# Runs one sbatch script on a Slurm cluster of this machine alone, which lives only as long as that takes.
#
#     tools/slurm/one_node.sh SCRIPT
#
# Needs Debian's `slurm-wlm` and `munge`; no systemd, no cgroups, no accounting, no /etc/slurm. Everything that
# the daemons write lies in a temporary folder, and they listen on ports of this machine that were free.
# The exit code is that of `sbatch --wait`: 0 when every job of the array succeeded.
set -euo pipefail

limit_s=${EMOCUE_SLURM_LIMIT:-300} # for the jobs; the daemons get a tenth of it to come up
script=${1:?which sbatch script? usage: one_node.sh SCRIPT}
[[ -f $script ]] || { echo "script not found: $script" >&2; exit 1; }
for tool in munged slurmctld slurmd sbatch; do
    PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || {
        echo "$tool is missing; on Debian: apt-get install slurm-wlm munge" >&2
        exit 1
    }
done
export PATH=$PATH:/usr/sbin

work=$(mktemp -d)
chmod 755 "$work" # munge's clients must reach its socket
daemons=()

# What failed is in the daemons' own words.
explain() {
    echo "$1" >&2
    tail -n 20 "$work"/*.log >&2 || true
    exit 1
}

# The last to come is the first to go; jobs before all of them, so that none outlives its slurmd.
stop() {
    local code=$? at
    trap '' INT TERM
    if ((${#daemons[@]} == 3)); then
        scancel --user="$(id -un)" 2>/dev/null || true
        timeout 20 bash -c 'while [[ -n $(squeue --noheader 2>/dev/null) ]]; do sleep 0.2; done' || true
    fi
    for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do
        kill "${daemons[at]}" 2>/dev/null || true
        wait "${daemons[at]}" 2>/dev/null || true
    done
    rm -rf "$work"
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Polls until the command succeeds.
until_true() {
    local what=$1 end=$((SECONDS + (limit_s + 9) / 10))
    shift
    until "$@"; do
        ((SECONDS < end)) || explain "$what did not come up in time"
        sleep 0.1
    done
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); do
        # Nobody answers: it is free.
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# munge proves to the daemons who calls them.
head -c 128 /dev/urandom >"$work/munge.key"
chmod 600 "$work/munge.key"
munged --foreground --force --num-threads=1 --key-file="$work/munge.key" --seed-file="$work/munge.seed" \
    --socket="$work/munge.socket" --pid-file="$work/munge.pid" --log-file="$work/munged.log" \
    >"$work/munged.out.log" 2>&1 &
daemons+=($!)
until_true munged test -S "$work/munge.socket"

me=$(id -un)
host=$(hostname -s)
cat >"$work/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=10
SchedulerParameters=sched_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
mkdir "$work/state" "$work/spool"
export SLURM_CONF=$work/slurm.conf

slurmctld -D -i -L "$work/slurmctld.log" >"$work/slurmctld.out.log" 2>&1 &
daemons+=($!)
slurmd -D -N "$host" -L "$work/slurmd.log" >"$work/slurmd.out.log" 2>&1 &
daemons+=($!)

idle() {
    [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]]
}
until_true 'the node' idle
sinfo

code=0
timeout "$limit_s" sbatch --wait "$script" || code=$?
((code != 124)) || explain "the jobs took longer than $limit_s s"
exit "$code"
