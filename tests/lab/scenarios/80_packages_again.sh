# SPDX-License-Identifier: Apache-2.0
# Upgrade, removal and purge of a host that is in use.

begin 'an upgrade while armed'
reset_mm1
need 'the engine trades' armed_and_trading --rate 20 --rest-share 1.0
pid=$(main_pid portcullis@mm1.service)
need 'a later version is made for this test' lab sh -c 'rm -rf /tmp/later && mkdir /tmp/later &&
  dpkg-deb -R /packages/portcullis_*.deb /tmp/later/tree && sed -i "s/^Version: .*/Version: 99.0/" /tmp/later/tree/DEBIAN/control &&
  dpkg-deb -b /tmp/later/tree /tmp/later/portcullis.deb'
check 'it installs' lab dpkg -i /tmp/later/portcullis.deb
check 'the same supervisor goes on' test "$(main_pid portcullis@mm1.service)" = "$pid"
check 'armed' state_is armed
check 'removal is refused' fails lab dpkg -r portcullis
check 'and changes nothing' state_is armed
check 'it is still installed' sh_says '^Status: .* ok installed' 'dpkg -s portcullis'
as risk1 portcullis disarm mm1 --reason 'removal' >/dev/null
lab systemctl stop mm1-engine.service
check 'once nothing is armed it is removed' lab dpkg -r portcullis
check 'its supervisor has ended' property_is ActiveState portcullis@mm1.service inactive
check 'purge works' lab dpkg -P portcullis
check 'and leaves the audit' lab test -s /var/lib/portcullis/mm1.audit.jsonl
check 'but no latch' fails lab test -e /var/lib/portcullis/mm1.latch
need 'the packages install again' lab sh -c 'dpkg -i /packages/portcullis_*.deb && systemctl start portcullis@mm1.service'
