# SPDX-License-Identifier: Apache-2.0
# Each directive of portcullis@.service that can be observed here is observed: on the running process, and by a probe that
# runs in an instance of the very unit and tries what it must not. What the container refuses by itself is said.
# Not observable here, hence only present: OOMScoreAdjust below 0, LimitMEMLOCK above the container's own, MemoryMax and
# TasksMax (control groups of version 1 own them), IPAddressDeny (no program may be attached here), ProtectClock,
# ProtectKernelModules and ProtectKernelLogs (the container has no such rights to take away), RemoveIPC, KeyringMode.

in_supervisor() { lab nsenter -t "$pid" -m -n -- "$@"; }
status_line() { lab sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
line_is() { [[ $(status_line "$1") == "$2" ]] || { echo "$1: $(status_line "$1"), wanted $2"; return 1; }; }

begin 'the supervisor is alone'
reset_mm1
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
pid=$(main_pid portcullis@mm1.service)
# CAP_DAC_READ_SEARCH 2, CAP_KILL 5, CAP_IPC_LOCK 14, CAP_SYS_PTRACE 19, CAP_SYS_NICE 23
check 'it has the five capabilities and no other' line_is CapEff 0000000000884024
check 'nor can it get one' line_is CapBnd 0000000000884024
check 'no new privileges' line_is NoNewPrivs 1
check 'system calls are filtered' line_is Seccomp 2
check 'it runs as portcullis' test "$(status_line Uid | cut -f1)" = "$(lab id -u portcullis)"
check 'its network namespace is empty' sh_empty_network
check 'it has sockets of the local kind only' sh_no_inet
check 'it cannot write outside its folders' sh_read_only
check 'it can write inside them' in_supervisor sh -c ': >/run/portcullis/probe && rm /run/portcullis/probe &&
  : >/var/lib/portcullis/probe && rm /var/lib/portcullis/probe'
check 'homes are hidden' sh -c '! nsenter -t '"$leader"' -a -- nsenter -t '"$pid"' -m ls /root/.profile 2>/dev/null'
check 'its /tmp is its own' sh_own_tmp
check 'it has no device but the harmless ones' sh_few_devices
check 'control groups can be written: it must be able to freeze' in_supervisor test -w /sys/fs/cgroup/cgroup.procs
check 'kernel settings cannot' fails in_supervisor sh -c 'echo 1 >/proc/sys/kernel/sysrq'
check 'monitor and control are real-time threads' sh_two_fifo
check 'memory is locked' sh_locked_memory
check 'no core is kept' sh_says 'Max core file size +0 +0' "cat /proc/$pid/limits"

begin "the engine's user has no power over it"
check 'it cannot signal it' fails as trader kill -0 "$pid"
check 'nor trace it' fails as trader cat "/proc/$pid/maps"
check 'nor read its memory' fails as trader cat "/proc/$pid/mem"
check 'nor see its descriptors' fails as trader ls "/proc/$pid/fd"
check 'nor write its record' fails as trader sh -c ': >>/run/portcullis/mm1.record'
check 'nor its latch' fails as trader sh -c ': >>/var/lib/portcullis/mm1.latch'
check 'nor read its audit' fails as trader cat /var/lib/portcullis/mm1.audit.jsonl
check 'nor change its configuration' fails as trader sh -c ': >>/etc/portcullis/mm1.toml'
check 'nor make files in its folder' fails as trader touch /run/portcullis/mm1.control.new
check 'the supervisor sees them as two users' sh_says '"separated":true' \
  'setpriv --reuid risk1 --regid risk1 --init-groups portcullis status mm1 --json'
group=$(lab sed -n 's/^0:://p' "/proc/$(main_pid mm1-engine.service)/cgroup")
check "it may freeze the engine's control group" sh_group_shared
check 'it sees the sockets of the engine' fails sh_says 'cannot be listed' \
  'setpriv --reuid risk1 --regid risk1 --init-groups portcullis status mm1'
as risk1 portcullis disarm mm1 --reason 'scenario over' >/dev/null

begin 'a probe in the very unit'
reset_mm1
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
lab touch /tmp/probe-outside
group=$(lab sed -n 's/^0:://p' "/proc/$(main_pid mm1-engine.service)/cgroup")
probe_env="PROBE_VICTIM=$(main_pid mm1-engine.service) PROBE_GROUP=/sys/fs/cgroup$group/cgroup.freeze"
lab sh -c "mkdir -p /run/systemd/system/portcullis@probe.service.d && printf '%s\n' '[Unit]' OnFailure= '[Service]' Type=oneshot \
  Restart=no WatchdogSec=0 ExecStart= ExecStart=/lab-of-test/probe 'Environment=$probe_env' StandardOutput=file:/run/probe.out \
  >/run/systemd/system/portcullis@probe.service.d/probe.conf && systemctl daemon-reload && systemctl start portcullis@probe.service"
lab cat /run/probe.out >"$work/probe.inside"
lab env $probe_env /lab-of-test/probe >"$work/probe.outside"
check 'the probe ran to its end' grep control-groups "$work/probe.inside"
unobserved=
while read -r tried outside _; do
  inside=$(awk -v name="$tried" '$1 == name {print $2}' "$work/probe.inside")
  case $tried in
    local-sockets | real-time | memory-lock | pidfd | descriptor-duplicate | kill-others | membarrier | control-groups)
      check "$tried is left to it" test "$inside" = yes ;;
    *)
      check "$tried refuses" test "$inside" = no
      [[ $outside == yes ]] || unobserved+=" $tried" ;;
  esac
done <"$work/probe.outside"
say "refused by the container as well, so not the unit's doing alone:${unobserved:- none}"
lab sh -c 'systemctl stop portcullis-fence@probe.socket portcullis-notify@probe.path; rm -r /run/systemd/system/portcullis@probe.service.d
  systemctl daemon-reload'
as risk1 portcullis disarm mm1 --reason 'scenario over' >/dev/null
