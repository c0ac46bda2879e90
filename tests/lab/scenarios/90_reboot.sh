# SPDX-License-Identifier: Apache-2.0
# The last one: the host boots again with the latch set. Only the state folder survives; the root is volatile.

begin 'a reboot with the latch set'
reset_mm1
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
check 'it is halted' status_of 0 as desk1 portcullis halt mm1
need 'the latch is set' status_of 7 lab portcullis latch mm1
"$root/tests/lab/boot" stop
boot
need 'the packages install again' lab sh -c 'dpkg -i /packages/*.deb'
need 'everything starts' lab /lab-of-test/prepare
check 'it is locked' until_true 20 state_is locked
check 'because it is latched' sh_says '"locked_reason":"latched"' \
  'setpriv --reuid risk1 --regid risk1 --init-groups portcullis status mm1 --json'
lab systemctl start mm1-engine.service || true
check 'the engine does not start' property_is ActiveState mm1-engine.service inactive
check 'the audit of both boots holds' lab portcullis audit verify mm1
need 'after clear' status_of 0 as risk1 portcullis clear mm1 --reason 'rebooted'
need 'it starts' start_engine --rate 20 --rest-share 1.0
need 'is armed' status_of 0 arm 'after the reboot'
check 'and trades' trading 5
as risk1 portcullis disarm mm1 --reason 'scenario over' >/dev/null
