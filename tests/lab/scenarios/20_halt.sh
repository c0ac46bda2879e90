# SPDX-License-Identifier: Apache-2.0
# From arming to a run-away to trading again, by the people who may.

begin 'a person halts, and only people lead back'
need 'the engine attaches and waits' start_engine --rate 20 --rest-share 1.0
check 'a stranger may not arm' status_of 5 as stranger portcullis arm mm1 --reason no
check 'nor halt' status_of 5 as stranger portcullis halt mm1
check "the engine's own user may not arm" status_of 5 as trader portcullis arm mm1 --reason no
check 'a member of the halt group may not arm' status_of 5 as desk1 portcullis arm mm1 --reason no
check 'root without a login names nobody and may not arm' status_of 5 lab portcullis arm mm1 --reason no
check 'refusals are in the audit' audit_has '"permission_refused"'
check 'and in the journal' journal_has permission_refused
need 'the arm group may' status_of 0 arm 'open'
need 'it trades' trading 10
check 'a member of the halt group halts: contained and every order proven' status_of 0 as desk1 portcullis halt mm1
check 'nothing is open at the venue' open_none
check 'it is latched' status_of 7 as risk1 portcullis arm mm1 --reason early
check 'the latch says so without a supervisor too' status_of 7 lab portcullis latch mm1
check 'a stranger may not clear' status_of 5 as stranger portcullis clear mm1 --reason no
check 'nor the halt group' status_of 5 as desk1 portcullis clear mm1 --reason no
need 'the arm group clears' status_of 0 as risk1 portcullis clear mm1 --reason test
need 'and arms' status_of 0 arm 'again'
check 'it trades again' trading 10
check 'disarm cancels everything, proven, without a latch' status_of 0 as risk1 portcullis disarm mm1 --reason 'end of day'
check 'the latch is clear' status_of 0 lab portcullis latch mm1

begin 'a run-away is halted by itself, and its unit does not come back'
reset_mm1
need 'the engine attaches with code that runs away' start_engine --rate 5000 --rest-share 0.3 --stubborn
orders_before=$(venue_orders)
need 'it is armed' status_of 0 arm 'open'
need 'the ladder ends' until_true 30 halt_finished
check 'first cause is the order rate' until_true 5 lab sh -c 'portcullis latch mm1 --json | grep -q "\"cause\":\"order_rate\""'
check 'the journal has the trip' journal_has tripped PORTCULLIS_CAUSE=order_rate
check 'and the outcome: proven' journal_has halted PORTCULLIS_PROVEN=1
check 'with a priority that wakes somebody' journal_has halted PRIORITY=2
check 'no order beyond the limit left' test $(($(venue_orders) - orders_before)) -eq 300
check 'the venue cancelled and confirmed what was open' venue_saw '"cancelled"'
check 'nothing is open at the venue' open_none
check 'the audit holds' lab portcullis audit verify mm1
lab systemctl kill -s KILL mm1-engine.service
check 'systemd does not start the halted engine again' until_true 20 property_is ActiveState mm1-engine.service inactive
check 'also not when somebody asks for it' sh_not_running
check 'because its condition failed, not the unit' sh_says "Skipped due to 'exec-condition'" \
  'journalctl -b -u mm1-engine.service -o cat'
check 'the runbook names the venue to call' lab sh -c 'portcullis runbook mm1 | grep -q "desk of the test venue"'
need 'after clear' status_of 0 as risk1 portcullis clear mm1 --reason 'understood'
need 'a healthy engine starts' start_engine --rate 20 --rest-share 1.0
need 'is armed' status_of 0 arm 'fixed'
check 'and trades' trading 10
as risk1 portcullis disarm mm1 --reason 'scenario over' >/dev/null
