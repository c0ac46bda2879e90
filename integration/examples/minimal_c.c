/* SPDX-License-Identifier: Apache-2.0 */
/** @file The smallest engine on the C interface: attach, one lane, one TCP session, orders asked for,
 * declared, written. Usage: portcullis_minimal_c ENGINE LANE SYMBOL PX PORT   (session ENG1:VENUE, configured
 * as ENG1-VENUE) It sends five orders and books nothing: see minimal_cpp.cpp for the answers. So its exit
 * with open orders counts as a death, and the supervisor ends them. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <portcullis/portcullis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int connect_to(const char* port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(fd, (const struct sockaddr*)&to, sizeof to) == 0 ? fd : -1;
}

/* One FIX message of that type; returns its length. The body begins and ends with a field separator. */
static int render(char* out, size_t room, const char* type, const char* body) {
  static int seq_num;
  char head[512], when[32];
  const time_t now = time(NULL);
  strftime(when, sizeof when, "%Y%m%d-%H:%M:%S", gmtime(&now));
  const int body_length = snprintf(head, sizeof head, "35=%s\00149=ENG1\00156=VENUE\00134=%d\00152=%s%s",
                                   type, ++seq_num, when, body);
  const int length = snprintf(out, room, "8=FIX.4.2\0019=%d\001%s", body_length, head);
  unsigned sum = 0;
  for (int i = 0; i < length; ++i) sum += (unsigned char)out[i];
  return length + snprintf(out + length, room - (size_t)length, "10=%03u\001", sum % 256);
}

int main(int argc, char** argv) {
  if (argc != 6) return fprintf(stderr, "usage: %s ENGINE LANE SYMBOL PX PORT\n", argv[0]), 64;
  const pc_attach_options options = {.size = sizeof options, .engine = argv[1]};
  pc_hook* hook = NULL;
  pc_lane* lane = NULL;
  pc_session* session = NULL;
  const int fd = connect_to(argv[5]);
  if (pc_attach(&options, &hook) != PC_OK || pc_lane_open(hook, argv[2], &lane) != PC_OK ||
      pc_positions_flat(lane) != PC_OK || pc_session_open(hook, "ENG1-VENUE", fd, &session) != PC_OK)
    return fprintf(stderr, "%s\n", pc_why(hook)), 78;
  char bytes[1024], id[16], body[256], why[128];
  int length = render(bytes, sizeof bytes, "A", "\00198=0\001108=30\001");
  pc_declare(session, bytes, (size_t)length); /* before the write, admin messages too */
  if (send(fd, bytes, (size_t)length, MSG_NOSIGNAL) != length) return 69;
  sleep(1);                                               /* the venue's logon; a real engine reads it */
  while (pc_poll(lane) != PC_COMMAND_NONE) usleep(10000); /* until people arm */
  for (int i = 1; i <= 5; ++i) {
    const int id_length = snprintf(id, sizeof id, "C%d", i);
    const pc_order order = {.size = sizeof order,
                            .instrument = pc_instrument(hook, argv[3]),
                            .cl_ord_id = {id, (uint32_t)id_length, 0},
                            .order_qty = 1,
                            .px_e8 = atoll(argv[4]) * 100000000,
                            .side = PC_BUY,
                            .ord_type = PC_LIMIT};
    pc_ticket ticket = {.size = sizeof ticket};
    if (pc_submit(lane, &order, &ticket) != PC_PASS) { /* ask; anything but PC_PASS: do not send */
      pc_ticket_text(&ticket, why, sizeof why);
      fprintf(stderr, "%s: %s\n", id, why);
      continue;
    }
    snprintf(
        body, sizeof body,
        "\00111=%s\00121=1\00155=%s\00154=1\00138=1\00140=2\00144=%s\00159=0\00160=20260101-00:00:00\001", id,
        argv[3], argv[4]);
    length = render(bytes, sizeof bytes, "D", body);
    pc_declare(session, bytes, (size_t)length);
    if (send(fd, bytes, (size_t)length, MSG_NOSIGNAL) <= 0) return pc_not_sent(lane, ticket.order), 69;
    pc_sent(lane, ticket.order); /* also when only a part was taken */
  }
  pc_session_end(session); /* before close: the supervisor drops its duplicate */
  close(fd);
  return pc_detach(hook, PC_KEEP_NONE) == PC_OK ? 0 : 1;
}
