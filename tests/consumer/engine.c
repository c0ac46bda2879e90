/* SPDX-License-Identifier: Apache-2.0 */
/* usage: consumer_c ENGINE: attaches, or says why not. Exit status 0 attached, 78 not. */
#include <portcullis/portcullis.h>
#include <stdio.h>

int main(int argc, char** argv) {
  const pc_attach_options options = {.size = sizeof options, .engine = argc > 1 ? argv[1] : "mm1"};
  pc_hook* hook = NULL;
  const pc_status status = pc_attach(&options, &hook);
  printf("interface %u, %s: %s\n", pc_abi_version(), pc_status_name(status), pc_why(hook));
  if (hook != NULL) pc_detach(hook, PC_KEEP_NONE);
  return status == PC_OK ? 0 : 78;
}
