# SPDX-License-Identifier: Apache-2.0
# A project of somebody else, built against the installed packages only.

begin 'a consumer project'
reset_mm1
need 'it configures with find_package' lab cmake -S /consumer -B /tmp/consumer -DCMAKE_BUILD_TYPE=Release
need 'it builds' lab cmake --build /tmp/consumer
check 'pkg-config finds the library' lab sh -c \
  'gcc -o /tmp/consumer/by_pkg_config /consumer/engine.c $(pkg-config --cflags --libs portcullis)'
check 'the C engine attaches' status_of 0 as trader /tmp/consumer/consumer_c mm1
check 'and says why it cannot' status_of 78 as trader /tmp/consumer/by_pkg_config there-is-no-such-engine
check 'the C++ engine is refused while locked' status_of 0 as trader /tmp/consumer/consumer_cpp mm1 flow AAA
check 'the QuickFIX adapter compiles from the installed headers at C++14' lab sh -c \
  'printf "#include <portcullis/quickfix.hpp>\n" | g++ -std=c++14 -Wno-deprecated -fsyntax-only -x c++ -'
readme_program() {
  perl -0777 -ne 'print $1 if /A QuickFIX engine.*?```cpp\n(.*?)```/s' "$root/README.md" >"$work/state/readme.cpp"
  test -s "$work/state/readme.cpp"
}
need 'the README has its QuickFIX program' readme_program
check "the README's QuickFIX program builds and links as it stands" lab sh -c 'g++ -std=c++14 -Wno-deprecated -I/consumer \
  -o /tmp/consumer/readme /var/lib/portcullis/readme.cpp -lportcullis -lquickfix -lpthread'
check 'it takes about 20 lines' test "$(grep -cvE '^ *$|^#include' "$work/state/readme.cpp")" -le 20
check 'the C engine of the package compiles' lab sh -c \
  'gcc -fsyntax-only /usr/share/doc/libportcullis-dev/examples/minimal_c.c'
check 'and less than 80 of its lines name the interface' test "$(grep -cE '\b(pc|PC)_' "$root/integration/examples/minimal_c.c")" -lt 80
need 'the headers can be removed' lab dpkg -r libportcullis-dev
check 'then it does not build' fails lab sh -c 'cmake --fresh -S /consumer -B /tmp/consumer2 2>&1'
check 'but what was built goes on' status_of 0 as trader /tmp/consumer/consumer_c mm1
lab sh -c 'dpkg -i /packages/libportcullis-dev_*.deb' >/dev/null
