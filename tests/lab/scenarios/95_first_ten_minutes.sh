# SPDX-License-Identifier: Apache-2.0
# A new user on a fresh Debian with nothing but the packages: install, configure from the example, start, arm, halt, read
# the evidence. The commands are README.md's own. The minimal root is made once for a build folder.

begin 'the first ten minutes on a fresh root'
"$root/tests/lab/boot" stop
export ROOTFS=$build/fresh-root
export ROOT_PACKAGES=apt,adduser,libfmt9,libmimalloc2.0,libsodium23,libquickfix17
made=$SECONDS
if [[ $(cat "$ROOTFS.packages" 2>/dev/null) != "$ROOT_PACKAGES" ]]; then
  rm -rf "$ROOTFS" "$ROOTFS.packages"
  mkdir -p "$ROOTFS"
  need 'a minimal Debian is made' "$root/tests/lab/boot" root && printf '%s\n' "$ROOT_PACKAGES" >"$ROOTFS.packages"
fi
say "a minimal root: $((SECONDS - made)) s"
rm -rf "$work/state"
mkdir -p "$work/state"
[[ -n $abandoned ]] || boot
# the site's part: its people, its venue, its engine
lab sh -c 'for user in anna trader; do useradd --user-group --no-create-home --shell /usr/sbin/nologin $user; done
  cp /etc-of-test/venue.service /etc/systemd/system/ && sed -i "s/AAA:99.99:100.01/ESZ6:6012.00:6012.25/" /etc/systemd/system/venue.service
  cp /etc-of-test/mm1-engine.service /etc/systemd/system/
  sed -i "s/--symbol AAA[^ ]* --symbol BBB[^ ]*/--symbol ESZ6:6012.00:6012.25:1000000 --child-qty 1/; s/--session-name VENUE --lane flow --no-parent/--session-name CME-A --lane es-quoter --no-parent/" \
    /etc/systemd/system/mm1-engine.service
  echo "ENGINE_ARGS=--rate 5 --orders 20 --rest-share 1.0" >/run/mm1.env; systemctl daemon-reload; systemctl start venue.service'

first=$SECONDS
readme_block 1 >"$work/state/as_root.sh"
readme_block 2 >"$work/state/as_anna.sh"
need 'the README has both blocks' test -s "$work/state/as_root.sh" -a -s "$work/state/as_anna.sh"
need "the README's first block works as it stands" lab sh -c 'cd /packages && sh -eux /var/lib/portcullis/as_root.sh'
lab sh -c 'mkdir -p /etc/systemd/system/mm1-engine.service.d && cp /usr/share/doc/portcullis/examples/engine.conf \
  /etc/systemd/system/mm1-engine.service.d/portcullis.conf && systemctl daemon-reload && systemctl start mm1-engine.service'
anna_status() { as anna portcullis status mm1 --json | grep '"state":"registered"' >/dev/null; }
need 'the engine attaches' until_true 30 anna_status
sed -n '1,2p' "$work/state/as_anna.sh" >"$work/state/arm.sh"
sed -n '3,$p' "$work/state/as_anna.sh" >"$work/state/halt.sh"
need 'anna looks and arms' as anna sh -eux -c "$(cat "$work/state/arm.sh")"
check 'it trades' until_true 30 open_at_least 3
check 'anna halts and reads what to do' as anna sh -eux -c "$(cat "$work/state/halt.sh")"
check 'the runbook names the contact of the example' grep 'GCC +1 800 555 0100' "$work/check.last"
check 'nothing is open at the venue' open_none
check 'the audit holds' lab portcullis audit verify mm1
say "from the package to the evidence: $((SECONDS - first)) s"
