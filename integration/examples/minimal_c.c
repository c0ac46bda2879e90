/* SPDX-License-Identifier: Apache-2.0 */
/** @file The smallest engine on the C interface: one lane, one FIX session over a plain socket, five orders, answers
 * booked, everything cancelled when the supervisor asks. Usage: portcullis_minimal_c ENGINE LANE SYMBOL PX PORT
 * (PX in whole currency units; session ENG1:VENUE at the venue, ENG1-VENUE in the configuration). Waits until people
 * arm it, sends, and ends when every order has its last answer. Exit status: 0 detached in order; 64 usage; 69 no
 * venue; 78 not attached; 1 the detach was refused. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <portcullis/portcullis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ORDERS 5
#define SOH "\001"

typedef struct engine {
  pc_hook* hook;
  pc_lane* lane;
  pc_session* session;
  const char *symbol, *px;
  int fd, sent, ended, cancels; /* ended: orders that had their last answer */
  char in[8192];                /* bytes of the venue that are no whole message yet, and a NUL */
  size_t used;
} engine;

static int connect_to(const char* port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(fd, (const struct sockaddr*)&to, sizeof to) == 0 ? fd : -1;
}

/* One FIX message; body is the fields behind the header, each ended by SOH. Returns its length. */
static size_t render(char* out, size_t room, const char* type, int seq_num, const char* body) {
  char head[512], when[32];
  const time_t now = time(NULL);
  strftime(when, sizeof when, "%Y%m%d-%H:%M:%S", gmtime(&now));
  const int body_length = snprintf(head, sizeof head, "35=%s" SOH "49=ENG1" SOH "56=VENUE" SOH "34=%d" SOH "52=%s" SOH "%s",
                                   type, seq_num, when, body);
  const int length = snprintf(out, room, "8=FIX.4.2" SOH "9=%d" SOH "%s", body_length, head);
  unsigned sum = 0;
  for (int i = 0; i < length; ++i) sum += (unsigned char)out[i];
  return (size_t)(length + snprintf(out + length, room - (size_t)length, "10=%03u" SOH, sum % 256));
}

/* Declares, then writes all of it. 0: the connection is gone before a byte was written. */
static int write_message(engine* e, const char* type, const char* body) {
  static int seq_num;
  char bytes[1024];
  const size_t length = render(bytes, sizeof bytes, type, ++seq_num, body);
  pc_declare(e->session, bytes, length); /* before the write, admin messages too */
  for (size_t done = 0; done < length;) {
    const ssize_t taken = send(e->fd, bytes + done, length - done, MSG_NOSIGNAL);
    if (taken <= 0) return done > 0;
    done += (size_t)taken;
  }
  return 1;
}

/* The value of a field, "" where the message has none. */
static const char* field(const char* message, int tag, char* out, size_t room) {
  char name[16];
  snprintf(name, sizeof name, SOH "%d=", tag);
  const char* at = strstr(message, name);
  if (at != NULL) at += strlen(name);
  snprintf(out, room, "%.*s", at == NULL ? 0 : (int)strcspn(at, SOH), at == NULL ? "" : at);
  return out;
}

static pc_text text_of(const char* text) { return (pc_text){text, (uint32_t)strlen(text), 0}; }

/* What an execution report or a cancel reject says about one of our orders. */
static void book(engine* e, const char* message) {
  char type[8], id[48], orig[48], status[8], value[48];
  field(message, 35, type, sizeof type);
  field(message, 11, id, sizeof id);
  field(message, 41, orig, sizeof orig);
  field(message, 39, status, sizeof status);
  const pc_order_ref order = {.size = sizeof order, .cl_ord_id = text_of(*orig != '\0' ? orig : id)};
  const long long last_qty = atoll(field(message, 32, value, sizeof value));
  if (strcmp(type, "9") == 0) pc_cancel_rejected(e->lane, &order, status[0]);
  if (strcmp(type, "8") == 0 && last_qty > 0) {
    char exec_id[48], cum_qty[24];
    const pc_fill fill = {.size = sizeof fill,
                          .instrument = PC_NONE,
                          .order = order,
                          .exec_id = text_of(field(message, 17, exec_id, sizeof exec_id)),
                          .last_qty = last_qty,
                          .cum_qty = atoll(field(message, 14, cum_qty, sizeof cum_qty))};
    pc_filled(e->lane, &fill);
  } else if (strcmp(type, "8") == 0 && status[0] == '0') {
    pc_accepted(e->lane, &order, text_of(field(message, 37, value, sizeof value)));
  } else if (strcmp(type, "8") == 0 && status[0] == '4') {
    pc_cancelled(e->lane, &order);
  } else if (strcmp(type, "8") == 0 && status[0] == '8') {
    pc_rejected(e->lane, &order);
  }
  if (strcmp(type, "8") == 0 && strchr("248", status[0]) != NULL && status[0] != '\0') ++e->ended;
  pc_processed(e->session, strtoull(field(message, 34, value, sizeof value), NULL, 10));
}

/* Waits for the venue or a command, at most 10 ms, and books what came. 0: the connection is gone. */
static int hear(engine* e) {
  struct pollfd wait[2] = {{e->fd, POLLIN, 0}, {pc_fd(e->hook), POLLIN, 0}};
  if (poll(wait, 2, 10) <= 0 || wait[0].revents == 0) return 1;
  const ssize_t got = recv(e->fd, e->in + e->used, sizeof e->in - 1 - e->used, 0);
  if (got <= 0) return 0;
  e->in[e->used += (size_t)got] = '\0';
  for (char* trailer; (trailer = strstr(e->in, SOH "10=")) != NULL;) {
    char* end = strchr(trailer + 1, SOH[0]);
    if (end == NULL) break;
    *end = '\0';
    book(e, e->in);
    e->used -= (size_t)(end + 1 - e->in);
    memmove(e->in, end + 1, e->used + 1);
  }
  return 1;
}

/* Asks the gate, then writes. 0: the connection is gone. */
static int send_order(engine* e) {
  char id[16], body[256], why[128];
  snprintf(id, sizeof id, "C%d", e->sent + 1);
  const pc_order order = {.size = sizeof order,
                          .instrument = pc_instrument(e->hook, e->symbol),
                          .cl_ord_id = text_of(id),
                          .order_qty = 1,
                          .px_e8 = atoll(e->px) * 100000000,
                          .side = PC_BUY,
                          .ord_type = PC_LIMIT};
  pc_ticket ticket = {.size = sizeof ticket};
  if (pc_submit(e->lane, &order, &ticket) != PC_PASS) { /* anything but PC_PASS: do not send */
    pc_ticket_text(&ticket, why, sizeof why);
    return fprintf(stderr, "%s: %s\n", id, why), 1;
  }
  snprintf(body, sizeof body,
           "11=%s" SOH "21=1" SOH "55=%s" SOH "54=1" SOH "38=1" SOH "40=2" SOH "44=%s" SOH "59=0" SOH
           "60=20260101-00:00:00" SOH, id, e->symbol, e->px);
  if (!write_message(e, "D", body)) return pc_not_sent(e->lane, ticket.order), 0;
  pc_sent(e->lane, ticket.order); /* also when only a part was taken */
  ++e->sent;
  return 1;
}

static void cancel_body(char* out, size_t room, const char* id, const char* orig, const char* symbol) {
  snprintf(out, room, "11=%s" SOH "41=%s" SOH "55=%s" SOH "54=1" SOH "38=1" SOH "60=20260101-00:00:00" SOH, id, orig, symbol);
}

/* Every open order, at the pace of the venue. 0: the connection is gone. */
static int cancel_open(engine* e) {
  pc_open_order open = {.size = sizeof open};
  while (pc_next_cancel(e->lane, &open) == 1) {
    char id[16], body[256];
    snprintf(id, sizeof id, "X%d", ++e->cancels);
    const pc_order_ref order = {.size = sizeof order, .handle = open.handle};
    pc_cancel(e->lane, &order, text_of(id));
    cancel_body(body, sizeof body, id, open.cl_ord_id, e->symbol);
    if (!write_message(e, "F", body)) return 0;
  }
  return 1;
}

/* What our cancels look like, so that they can be sent for us when we cannot. */
static void hand_over_template(engine* e) {
  char bytes[1024], body[256];
  cancel_body(body, sizeof body, "SAMPLE", "SAMPLE", e->symbol);
  const size_t length = render(bytes, sizeof bytes, "F", 1, body);
  pc_session_template(e->session, (pc_text){bytes, (uint32_t)length, 0});
}

int main(int argc, char** argv) {
  if (argc != 6) return fprintf(stderr, "usage: %s ENGINE LANE SYMBOL PX PORT\n", argv[0]), 64;
  engine e = {.symbol = argv[3], .px = argv[4], .fd = connect_to(argv[5])};
  if (e.fd < 0) return fprintf(stderr, "no venue on port %s\n", argv[5]), 69;
  const pc_attach_options options = {.size = sizeof options, .engine = argv[1]};
  if (pc_attach(&options, &e.hook) != PC_OK || pc_lane_open(e.hook, argv[2], &e.lane) != PC_OK ||
      pc_positions_flat(e.lane) != PC_OK || pc_session_open(e.hook, "ENG1-VENUE", e.fd, &e.session) != PC_OK)
    return fprintf(stderr, "%s\n", pc_why(e.hook)), 78;
  hand_over_template(&e);
  int alive = write_message(&e, "A", "98=0" SOH "108=30" SOH);
  while (alive && e.ended < ORDERS) {
    const pc_command command = pc_poll(e.lane); /* beats; NONE once people armed it */
    if (command == PC_COMMAND_CANCEL) alive = cancel_open(&e);
    if (alive) alive = hear(&e);
    if (alive && command == PC_COMMAND_NONE && e.sent < ORDERS) alive = send_order(&e);
  }
  pc_session_end(e.session); /* before close: the supervisor drops its duplicate */
  close(e.fd);
  const pc_status status = pc_detach(e.hook, PC_KEEP_NONE);
  return !alive ? 69 : status == PC_OK ? 0 : 1;
}
