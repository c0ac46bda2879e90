# SPDX-License-Identifier: Apache-2.0
# Halting without a supervisor, by people who are not root; and look-ups that hang.

begin "a stopped supervisor: the halt group fences another user's engine"
reset_mm1
# its watchdog would replace it within a second or two, before anybody has to do anything
lab sh -c 'mkdir -p /run/systemd/system/portcullis@mm1.service.d &&
  printf "[Service]\nWatchdogSec=0\n" >/run/systemd/system/portcullis@mm1.service.d/patient.conf &&
  systemctl daemon-reload && systemctl restart portcullis@mm1.service'
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
engine=$(main_pid mm1-engine.service)
supervisor=$(main_pid portcullis@mm1.service)
check 'a stranger cannot reach the fence' fails as stranger perl -MIO::Socket::UNIX -MSocket -e \
  'socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; connect($s, pack_sockaddr_un("/run/portcullis/mm1.fence")) or exit 1'
check "nor can the engine's user" fails as trader perl -MIO::Socket::UNIX -MSocket -e \
  'socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; connect($s, pack_sockaddr_un("/run/portcullis/mm1.fence")) or exit 1'
ends=$(venue_log | grep -c '"event":"disconnect"')
lab kill -STOP "$supervisor"
fence_by_desk() { as desk1 portcullis halt mm1 >"$work/fence.out"; }
check 'halt says fenced blind' status_of 4 fence_by_desk
check 'the session was reset before the engine was killed' grep -E 'SESSION VENUE .*  reset' "$work/fence.out"
check 'the engine is gone' fails lab kill -0 "$engine"
check 'so is the stuck supervisor' fails lab kill -0 "$supervisor"
check 'its session ended at the venue' until_true 10 session_ended
check 'the fence names who asked' sh_says 'fence asked by uid' 'journalctl -b -u portcullis-fence@mm1.service -o cat'
check 'the helper ran once and ended' until_true 10 property_is ActiveState portcullis-fence@mm1.service inactive
check 'it waits for the next call' property_is ActiveState portcullis-fence@mm1.socket active
check 'a new supervisor is locked' until_true 20 state_is locked
lab sh -c 'rm -r /run/systemd/system/portcullis@mm1.service.d && systemctl daemon-reload && systemctl restart portcullis@mm1.service'

begin 'a name service that hangs does not hold a halt'
reset_mm1
need 'the engine trades' armed_and_trading --rate 50 --rest-share 1.0
# nss-systemd asks every service in this folder; this one takes the question and never answers
lab sh -c 'mkdir -p /run/systemd/userdb && systemd-run -q --unit=hanging-names perl -MIO::Socket::UNIX -e "
  my \$s = IO::Socket::UNIX->new(Local => q(/run/systemd/userdb/io.test.Hangs), Listen => 64); chmod 0666, q(/run/systemd/userdb/io.test.Hangs); my @k; while (my \$c = \$s->accept) { push @k, \$c }"'
check 'look-ups hang indeed' until_true 10 status_of 124 lab timeout 1 getent group there-is-no-such-group
check 'the halt is proven all the same' status_of 0 timeout 20 nsenter -t "$leader" -a -- \
  setpriv --reuid "$(lab id -u desk1)" --regid "$(lab id -g desk1)" --groups "$(lab getent group portcullis-halt | cut -d: -f3)" \
  -- /usr/bin/portcullis halt mm1
check 'nothing is open at the venue' open_none
lab systemctl stop hanging-names.service
lab rm -f /run/systemd/userdb/io.test.Hangs
