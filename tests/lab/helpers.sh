# SPDX-License-Identifier: Apache-2.0
# What the scenarios of tests/host share: commands inside the container, waiting, checks, the venue's word. Sourced.

passed=0  # sourced by tests/host, which sets root, work, build and, with boot, leader
failed=0
not_run=0
scenario=
abandoned=

say() { printf 'host: %s\n' "$*"; }
begin() {
  scenario=$1
  abandoned=
  say "== $scenario"
}

# check SENTENCE COMMAND...: counts, and goes on. The sentence is what an operator would say.
check() {
  local sentence=$1
  shift
  if [[ -n $abandoned ]]; then
    not_run=$((not_run + 1))
    return 1
  fi
  [[ ! -e $work/check.out ]] || mv "$work/check.out" "$work/check.last"  # what the check before this one said
  if "$@" >"$work/check.out" 2>&1; then
    passed=$((passed + 1))
    return 0
  fi
  failed=$((failed + 1))
  say "FAILED ($scenario): $sentence"
  sed 's/^/host:     /' "$work/check.out" | tail -20
  return 1
}
# need SENTENCE COMMAND...: as check; where it fails, nothing until the next `begin` would mean anything.
need() {
  check "$@" && return 0
  [[ -n $abandoned ]] || say "the rest of '$scenario' is not run"
  abandoned=yes
}

lab() { nsenter -t "$leader" -a -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
# as USER COMMAND...: with that user's own groups and nothing else
as() {
  local user=$1
  shift
  lab setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
}
# status_of WANTED COMMAND...: true if it ends with that exit status
status_of() {
  local wanted=$1 got=0
  shift
  "$@" || got=$?
  ((got == wanted)) || { echo "exit status $got, wanted $wanted: $*"; return 1; }
}
fails() { if "$@"; then echo "succeeded: $*"; return 1; fi; }
# fails_with STATUS PATTERN COMMAND...
fails_with() {
  local wanted=$1 pattern=$2 got=0 out
  shift 2
  out=$("$@" 2>&1) || got=$?
  ((got == wanted)) && grep -E "$pattern" <<<"$out" >/dev/null || { printf 'exit status %d, wanted %d and %s\n%s\n' "$got" "$wanted" "$pattern" "$out"; return 1; }
}
# until_true SECONDS COMMAND...: asks again until it is true or the time is over
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "not true in time: $*"; "$@"; return 1; }
    sleep 0.1
  done
}

# ---- the supervisor's word -------------------------------------------------------------------------------------------
status_json() { as risk1 portcullis status "${1:-mm1}" --json; }
# The top-level "state" is the last one in the line: keys are sorted.
state() { status_json "$@" | sed -n 's/.*"state":"\([a-z]*\)".*/\1/p' | tail -1; }
state_is() { [[ $(state "${2:-mm1}") == "$1" ]] || { echo "state $(state "${2:-mm1}"), wanted $1"; return 1; }; }
halt_finished() { status_json | grep >/dev/null '"finished":true'; }  # of the engine or of a lane
attached() { status_json | grep >/dev/null '"attached":true' && status_json | grep >/dev/null '"state":"registered"'; }
arm() { as risk1 portcullis arm mm1 --reason "${1:-test}"; }
# journal_has EVENT [FIELD=VALUE...]: an entry of this boot with that event, in the journal's own JSON
journal_has() {
  local event=$1
  shift
  lab journalctl -b -q -o json "PORTCULLIS_ENGINE=mm1" "PORTCULLIS_EVENT=$event" "$@" | grep >/dev/null '"MESSAGE_ID"' ||
    { echo "no $event $* in the journal"; return 1; }
}
audit_has() { lab grep -q "$1" /var/lib/portcullis/mm1.audit.jsonl; }
main_pid() { lab systemctl show -P MainPID "$1"; }
property() { lab systemctl show -P "$1" "$2"; }
property_is() { [[ $(property "$1" "$2") == "$3" ]] || { echo "$2 $1=$(property "$1" "$2"), wanted $3"; return 1; }; }

# ---- the venue's word ------------------------------------------------------------------------------------------------
venue() {
  lab perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Peer => "/run/venue/control") or die "venue: $!\n";
    print $s "$ARGV[0]\n"; $s->flush; print scalar <$s>' "$1"
}
venue_open() { venue stats | perl -ne '/"open":\[([^\]]*)\]/ and print scalar(() = $1 =~ /"[^"]+"/g)'; }
venue_orders() { venue stats | perl -ne '/"orders":(\d+)/ and print $1'; }  # the first one is the total
open_at_least() { (($(venue_open) >= $1)); }
open_none() { [[ $(venue_open) == 0 ]] || { echo "open at the venue: $(venue_open)"; return 1; }; }
venue_log() { venue flush >/dev/null; lab cat /var/log/venue/events.jsonl; }
session_ended() { (($(venue_log | grep -c '"event":"disconnect"') > ends)); }  # since `ends` was counted
venue_saw() { venue_log | grep "$1" >/dev/null || { echo "the venue's log has no $1"; return 1; }; }
trading() { until_true "${2:-20}" open_at_least "${1:-5}"; }

# ---- the guarded engine ----------------------------------------------------------------------------------------------
engine_args() { printf 'ENGINE_ARGS=%s\n' "$*" | lab tee /run/mm1.env >/dev/null; }
# start_engine ARGS...: with these arguments, attached, session registered
start_engine() {
  engine_args "$@"
  lab systemctl restart mm1-engine.service
  until_true 30 attached
}
# A clean slate: nothing armed, nothing latched, no engine, the supervisor fresh.
reset_mm1() {
  lab systemctl stop mm1-engine.service >/dev/null 2>&1 || true
  lab systemctl reset-failed >/dev/null 2>&1 || true
  lab systemctl start portcullis@mm1.service
  until_true 20 state >/dev/null
  resolve_all
  as risk1 portcullis clear mm1 --reason 'next scenario' >/dev/null 2>&1 || true
}
resolve_all() {
  local id
  for id in $(status_json | grep -o '"cl_ord_id":"[^"]*","fate"' | cut -d'"' -f4) unlisted; do
    as risk1 portcullis resolve mm1 "$id" --as cancelled >/dev/null 2>&1 || true
  done
}
armed_and_trading() {
  start_engine "$@" && until_true 20 arm 'scenario' && trading 5
}
# A command inside that says nothing at all and succeeds.
sh_silent() {
  local out
  out=$(lab sh -c "$1" 2>&1) && [[ -z $out ]] || { printf '%s\n' "$out"; return 1; }
}
sh_not_running() {
  lab systemctl start mm1-engine.service || true
  property_is ActiveState mm1-engine.service inactive
}
# sh_says PATTERN COMMAND: its output has it
sh_says() {
  local out
  out=$(lab sh -c "$2" 2>&1) || true
  grep -qE "$1" <<<"$out" || { echo "no '$1' in:"; tail -15 <<<"$out"; return 1; }
}

# ---- the running supervisor, $pid ------------------------------------------------------------------------------------
sh_empty_network() {
  local links
  links=$(lab tail -n +3 "/proc/$pid/net/dev" | cut -d: -f1 | tr -d ' ' | tr '\n' ' ')
  [[ $links == 'lo ' ]] || { echo "links: $links"; return 1; }
  [[ $(lab cat "/proc/$pid/net/route" | wc -l) -le 1 ]]
  [[ $(lab readlink "/proc/$pid/ns/net") != $(lab readlink /proc/1/ns/net) ]]
}
sh_no_inet() {
  # its own sockets, by the tables of its own network namespace: duplicates of the engine's sessions are elsewhere
  [[ $(lab tail -q -n +2 "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" "/proc/$pid/net/udp" | wc -l) == 0 ]]
}
sh_read_only() {
  local folder
  for folder in / /etc /etc/portcullis /usr /usr/bin /var /var/lib /var/log /boot /opt /srv; do
    if lab nsenter -t "$pid" -m -- touch "$folder/probe-of-test" 2>/dev/null; then echo "$folder can be written"; return 1; fi
  done
}
sh_own_tmp() {
  lab touch /tmp/probe-of-test
  ! lab nsenter -t "$pid" -m -- test -e /tmp/probe-of-test
}
sh_few_devices() {
  local found
  found=$(lab nsenter -t "$pid" -m -- sh -c 'ls /dev' | grep -vxE 'char|core|fd|full|hugepages|log|mqueue|null|ptmx|pts|random|shm|std(err|in|out)|tty|urandom|zero' || true)
  [[ -z $found ]] || { echo "$found"; return 1; }
}
sh_two_fifo() {
  local count=0 task policy
  for task in $(lab ls "/proc/$pid/task"); do
    policy=$(lab sed 's/.*) //' "/proc/$pid/task/$task/stat" | cut -d' ' -f39)  # field 41 of proc(5), two cut off
    [[ $policy == 1 ]] && count=$((count + 1))
  done
  ((count == 2)) || { echo "$count threads are SCHED_FIFO"; return 1; }
}
sh_locked_memory() { (($(lab sed -n 's/^VmLck:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status") > 0)); }
sh_group_shared() {
  local file
  for file in cgroup.freeze cgroup.kill; do
    [[ $(lab stat -c '%G %A' "/sys/fs/cgroup$group/$file") =~ ^portcullis\ .....w ]] ||
      { lab stat -c '%n %G %A' "/sys/fs/cgroup$group/$file"; return 1; }
  done
}
