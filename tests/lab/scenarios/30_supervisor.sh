# SPDX-License-Identifier: Apache-2.0
# The supervisor dies, stops, or fails for good.

orders_stand_still() {
  local before
  before=$(venue_orders)
  sleep 1
  (($(venue_orders) == before)) || { echo "orders at the venue went from $before to $(venue_orders)"; return 1; }
}
restarted_after() { (($(property NRestarts portcullis@mm1.service) > $1)); }

begin 'the supervisor is killed'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
restarts=$(property NRestarts portcullis@mm1.service)
engine=$(main_pid mm1-engine.service)
lab kill -KILL "$(main_pid portcullis@mm1.service)"
check 'systemd starts it again' until_true 20 restarted_after "$restarts"
check 'it is locked afterwards' until_true 20 state_is locked
check 'no order leaves any more once the lease is over' until_true 10 orders_stand_still
check 'the engine was neither ended nor restarted' test "$(main_pid mm1-engine.service)" = "$engine"

begin 'the supervisor is stopped'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
restarts=$(property NRestarts portcullis@mm1.service)
lab kill -STOP "$(main_pid portcullis@mm1.service)"
check "systemd's watchdog replaces it" until_true 20 restarted_after "$restarts"
check 'it is locked afterwards' until_true 20 state_is locked
check 'no order leaves any more once the lease is over' until_true 10 orders_stand_still

begin 'a supervisor that fails for good leaves no engine unguarded'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
engine=$(main_pid mm1-engine.service)
ends=$(venue_log | grep -c '"event":"disconnect"')
lab mount --bind /bin/false /usr/sbin/portcullisd
lab kill -KILL "$(main_pid portcullis@mm1.service)"
check 'the unit fails within its start limit' until_true 30 property_is ActiveState portcullis@mm1.service failed
check 'the engine is fenced' until_true 20 fails lab kill -0 "$engine"
check 'its session ended at the venue' until_true 10 session_ended
check 'the journal says who did it' sh_says 'FENCED BLIND' 'journalctl -b -u portcullis-abandoned@mm1.service -o cat'
check 'and how the session ended is on record' sh_says 'SESSION VENUE.*reset' \
  'journalctl -b -u portcullis-abandoned@mm1.service -o cat'
lab umount /usr/sbin/portcullisd

begin 'both die and the supervisor does not come back'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
lab mount --bind /bin/false /usr/sbin/portcullisd
ends=$(venue_log | grep -c '"event":"disconnect"')
lab kill -KILL "$(main_pid portcullis@mm1.service)" "$(main_pid mm1-engine.service)"
check 'the session ends within the bound of the start limit' until_true 30 session_ended
say "the session ended by: $(venue_log | grep '"event":"disconnect"' | tail -1 | cut -d, -f2-)"
check "the venue's own cancel on disconnect leaves nothing open" until_true 10 open_none
lab umount /usr/sbin/portcullisd

begin 'the engine is killed while its supervisor is down'
reset_mm1
lab sh -c 'mkdir -p /run/systemd/system/portcullis@mm1.service.d &&
  printf "[Service]\nRestartSec=3\n" >/run/systemd/system/portcullis@mm1.service.d/slow.conf && systemctl daemon-reload'
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
ends=$(venue_log | grep -c '"event":"disconnect"')
lab kill -KILL "$(main_pid portcullis@mm1.service)"
lab systemctl kill -s KILL mm1-engine.service
check 'its session ends' until_true 10 session_ended
check 'a new supervisor comes and is locked' until_true 30 state_is locked
check 'nothing is open at the venue, which cancels on disconnect' until_true 10 open_none
lab sh -c 'rm -r /run/systemd/system/portcullis@mm1.service.d && systemctl daemon-reload'

begin 'people stop the sidecar of an armed engine'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
lab systemctl stop portcullis@mm1.service
check 'no order leaves any more once the lease is over' until_true 10 orders_stand_still
check 'the engine cancels by itself' until_true 20 open_none
lab systemctl start portcullis@mm1.service
