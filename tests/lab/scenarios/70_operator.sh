# SPDX-License-Identifier: Apache-2.0
# What tells people: notification, metrics, overview, differences of configurations.

begin 'somebody is told, once'
reset_mm1
lab sh -c 'printf "#!/bin/sh\necho told \$1 >>/var/lib/portcullis-notify/log\ncat >>/var/lib/portcullis-notify/log\n" >/etc/portcullis/notify
  chmod 755 /etc/portcullis/notify; rm -f /var/lib/portcullis-notify/log'
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
check 'it is halted' status_of 0 as desk1 portcullis halt mm1
told() { (($(lab grep -c '^told mm1' /var/lib/portcullis-notify/log) >= 1)); }
check 'the site is told' until_true 20 told
check 'with the facts' until_true 10 lab grep -q 'desk of the test venue' /var/lib/portcullis-notify/log
check 'the command ran as its own user' test "$(lab stat -c %U /var/lib/portcullis-notify/log)" = portcullis-notify
as risk1 portcullis clear mm1 --reason 'scenario over' >/dev/null
check 'once' test "$(lab grep -c '^told mm1' /var/lib/portcullis-notify/log)" -eq 1

begin 'preflight'
reset_mm1
need 'the engine attaches' start_engine --rate 20 --rest-share 1.0
check 'nothing stands in the way' status_of 0 as risk1 portcullis preflight mm1
as risk1 portcullis preflight mm1 >"$work/preflight" || true
check 'who asks may arm' grep 'risk1 may arm' "$work/preflight"
check "the engine's control group can be frozen and killed" grep 'ok .* may freeze and kill the engine' "$work/preflight"
check 'who asks may ask the root helper' grep 'ok .* this user may ask the root helper' "$work/preflight"
check 'the supervisor has the rights it needs' grep 'ok .* take duplicates' "$work/preflight"
check 'and its real-time threads' grep 'ok .* 2 of its threads are SCHED_FIFO' "$work/preflight"
check 'the session was handed over' grep 'ok .* VENUE  its descriptor was handed over' "$work/preflight"
check 'for a stranger it fails' status_of 7 as stranger portcullis preflight mm1
as desk1 portcullis halt mm1 >/dev/null
check 'after a halt it says what stands in the way' fails_with 7 'would be refused: latched by manual_halt' \
  as risk1 portcullis preflight mm1
as risk1 portcullis clear mm1 --reason 'scenario over' >/dev/null

begin 'a drill'
reset_mm1
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
check 'the lane kept for drills is halted in earnest, and proven' status_of 0 as desk1 portcullis drill mm1 --reason 'monthly'
check 'the other lane goes on' trading 20
check 'the audit has its reason' audit_has 'drill: monthly'
check 'the journal too' journal_has manual_halt 'PORTCULLIS_REASON=drill: monthly'
check 'with open orders there is no drill of the engine' status_of 7 as desk1 portcullis drill mm1 --engine --reason no
check 'it is latched like after any halt' status_of 7 lab portcullis latch mm1
check 'people lead back' status_of 0 as risk1 portcullis clear mm1 --reason 'drill over'
check 'and arm' status_of 0 arm 'drill over'
as risk1 portcullis disarm mm1 --reason 'scenario over' >/dev/null

begin 'metrics'
lab mkdir -p /var/lib/prometheus/node-exporter
need 'the timer starts' lab systemctl start portcullis-metrics.timer
check 'it writes the file' until_true 20 lab test -s /var/lib/prometheus/node-exporter/portcullis.prom
check 'whole' test "$(lab tail -n 1 /var/lib/prometheus/node-exporter/portcullis.prom)" = '# EOF'
check 'with the engine in it' lab grep -q '^portcullis_up{engine="mm1"} 1$' /var/lib/prometheus/node-exporter/portcullis.prom
check 'and how often each limit was evaluated' lab grep -q '^portcullis_limit_evaluations_total{.*where="supervised"} [1-9]' \
  /var/lib/prometheus/node-exporter/portcullis.prom
check 'the collector can read it' as stranger test -r /var/lib/prometheus/node-exporter/portcullis.prom
lab systemctl stop portcullis-metrics.timer

begin 'the overview'
check 'one line for each engine' sh_says '^mm1 +LOCKED' 'setpriv --reuid risk1 --regid risk1 --init-groups portcullis status --all'
check 'a new configuration is written whole' sh_says 'written: /etc/portcullis/mm2.toml' 'portcullis config init mm2'
check 'and shows as not running' sh_says '^mm2 +NOT RUNNING' 'setpriv --reuid risk1 --regid risk1 --init-groups portcullis status --all'
check 'it is never overwritten' status_of 7 lab portcullis config init mm2
check 'and sound' status_of 0 lab sh -c 'portcullis --config-dir /tmp/fresh config init mm2 && portcullis check /tmp/fresh/mm2.toml'
check 'a looser limit is called looser' sh_says 'limits.lane.flow.order_qty +10000 -> 20000 +looser' \
  'sed "s/^order_qty *=.*/order_qty = 20000/" /etc/portcullis/mm1.toml >/etc/portcullis/mm3.toml &&
   portcullis diff /etc/portcullis/mm1.toml /etc/portcullis/mm3.toml'
lab rm -f /etc/portcullis/mm2.toml /etc/portcullis/mm3.toml

begin 'completion'
completes() { sh_says "$1" "bash -c 'source /usr/share/bash-completion/completions/portcullis; COMP_WORDS=(portcullis $2); COMP_CWORD=$3; _portcullis; echo \${COMPREPLY[@]}'"; }
check 'a command is completed' completes '^status$' 'sta' 1
check 'an engine is completed' completes '^mm1$' 'halt mm' 2
check 'an option is completed' completes '^--reason$' 'arm mm1 --rea' 3
