# SPDX-License-Identifier: Apache-2.0
# Installed as a site would: units, users, folders, and what systemd thinks of the units.

begin 'the packages install'
need 'the three packages install on this root' lab sh -c 'dpkg -i /packages/*.deb'
need 'users, configuration, venue and engine unit are made' lab /lab-of-test/prepare
check 'the supervisor is ready and locked' until_true 20 state_is locked
check 'it runs as its own user' lab sh -c '[ "$(stat -c %U /proc/$(systemctl show -P MainPID portcullis@mm1)/)" = portcullis ] ||
  [ "$(ps -o user= -p $(systemctl show -P MainPID portcullis@mm1))" = portcullis ]'
check 'the fence waits on its socket' property_is ActiveState portcullis-fence@mm1.socket active
check 'the latch is watched' property_is ActiveState portcullis-notify@mm1.path active

same_contents() {
  diff <(for deb in "$build"/packages/*.deb; do dpkg-deb -c "$deb"; done | awk '{print $6}' | grep -v '/$' | sed 's|^./||' | sort) \
    <(tar tzf "$build"/packages/*.tar.gz | grep -v '/$' | sed 's|^[^/]*/||' | sort)
}
check 'the tarball has the same contents' same_contents

units='portcullis@mm1.service portcullis-abandoned@mm1.service portcullis-fence@mm1.service portcullis-fence@mm1.socket
  portcullis-notify@mm1.path portcullis-notify@mm1.service portcullis-metrics.service portcullis-metrics.timer'
check 'systemd-analyze verify has nothing to say' sh_silent \
  "systemd-analyze verify --man=no --recursive-errors=no $(echo $units)"
for unit in $units; do
  [[ $unit == *.service ]] || continue
  check "the exposure of $unit is 2.2 at most" \
    lab systemd-analyze security --no-pager --offline=yes --threshold=22 "/usr/lib/systemd/system/${unit/@mm1/@}"
done
check 'every event has its entry in the journal catalog' lab sh -c '
  test "$(journalctl --list-catalog 2>/dev/null | grep -c "Portcullis:")" -ge 31'
