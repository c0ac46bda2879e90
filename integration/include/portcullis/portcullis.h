/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portcullis.h: the C interface between a trading engine and its gate.
 *
 * Flow: attach -> state instruments, positions, lanes, sessions (all while locked) -> people arm -> per order:
 * pc_submit (ask the gate), pc_declare (say which bytes follow), write, pc_sent -> answers: pc_accepted, pc_filled, ...
 *
 * Threads: a lane has two roles. The *submitter* calls pc_submit, pc_sent, pc_not_sent, pc_replace, pc_cancel, pc_mark,
 * pc_parent_*, pc_beat, pc_idle, pc_work_*, pc_poll, pc_next_cancel; the *responder* calls pc_accepted, pc_filled,
 * pc_cancelled, pc_rejected, pc_replaced, pc_cancel_rejected, pc_corrected. Each role is one thread at a time. The first
 * thread to call binds the role; another thread is refused (PC_WRONG_THREAD) until pc_lane_rebind. pc_declare and
 * pc_processed of one session are serialised by the caller (the lock that orders the session's writes).
 * Fork: both memories stay out of the child; in a child every verdict is PC_CLOSED.
 * Not protected: orders that never pass pc_submit are seen only by the supervisor, after the fact.
 * Units: quantities are whole units (shares, contracts, lots); prices are 1e-8 currency units; `_ns` is CLOCK_MONOTONIC.
 * Every struct starts with its size, set by the caller with sizeof: a later library reads an older struct correctly.
 */
#ifndef PORTCULLIS_PORTCULLIS_H
#define PORTCULLIS_PORTCULLIS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#error "Portcullis runs on Linux only"
#endif
#define PC_API __attribute__((visibility("default")))

/** Version of this interface; the SONAME follows it. */
#define PC_ABI_VERSION 1u
/** Longest ClOrdID (11), OrderID (37), ExecID (17) kept, in bytes. A longer one is refused, never cut. */
#define PC_ID_BYTES 36u
/** No instrument, no lane, no parent, no session. */
#define PC_NONE 0xFFFFFFFFu

typedef struct pc_hook pc_hook;       /**< one engine's attachment; opaque */
typedef struct pc_lane pc_lane;       /**< one flow in the engine; opaque */
typedef struct pc_session pc_session; /**< one venue connection; opaque */
typedef uint64_t pc_order_handle;     /**< names an order until it is terminal and its slot is used again; 0 is none */
typedef uint64_t pc_parent_handle;    /**< names a parent order; 0 is none */

/** The gate's answer to one order. Everything but PC_PASS means: do not send it. */
typedef enum pc_verdict {
  PC_PASS = 0,
  PC_CLOSED = 1,          /**< not armed, halted, shut, forked, or nothing attached */
  PC_LEASE_LOST = 2,      /**< the supervisor did not renew in time; closed until people arm again */
  PC_PAUSED = 3,          /**< the lane is paused or reduce-only and the order does not truly reduce */
  PC_BUSY = 4,            /**< the lane is inside another submit, or an earlier order was neither sent nor not_sent */
  PC_WRONG_THREAD = 5,    /**< another thread holds this role */
  PC_BAD_ARGUMENT = 6,    /**< size, id, side, type, quantity or price is absurd */
  PC_NOT_ALLOWED = 7,     /**< this lane may not trade this instrument, or an order without a parent */
  PC_POSITION_UNSET = 8,  /**< nobody stated the start-of-day position */
  PC_NO_REFERENCE = 9,    /**< a price is needed to judge the order and there is none */
  PC_OVERFLOW = 10,       /**< the arithmetic would overflow: a breach */
  PC_DUPLICATE_ID = 11,   /**< this ClOrdID is in use, or was: kept until its place in the table is needed */
  PC_TABLE_FULL = 12,     /**< a capacity of the ledger is used up */
  PC_CONTENDED = 13,      /**< other lanes or the responder moved the same totals too often; try again */
  PC_UNKNOWN_ORDER = 14,  /**< no such open order */
  PC_BACKLOG = 15,        /**< too many declared bytes that the kernel has not taken */
  PC_ORDER_RATE = 32,     /**< closes the lane */
  PC_ORDER_QTY = 33,
  PC_ORDER_NOTIONAL = 34,
  PC_PRICE_COLLAR = 35,
  PC_POSITION = 36,
  PC_GROSS_NOTIONAL = 37,
  PC_CHILDREN = 38,       /**< closes the lane */
  PC_CHILD_QTY = 39,      /**< closes the lane */
  PC_OPEN_ORDERS = 40
} pc_verdict;

/** Result of everything that is not an order. */
typedef enum pc_status {
  PC_OK = 0,
  PC_ERR_ARGUMENT = 1,     /**< null, wrong struct size, text too long */
  PC_ERR_NO_SUPERVISOR = 2,/**< nothing listens, or it did not answer in time */
  PC_ERR_REFUSED = 3,      /**< the supervisor said no; pc_why says why */
  PC_ERR_VERSION = 4,      /**< layout version or fingerprint differ */
  PC_ERR_KERNEL = 5,       /**< a kernel feature is missing; pc_why names it */
  PC_ERR_UNKNOWN_NAME = 6, /**< no such lane, instrument, session in the configuration */
  PC_ERR_NOT_LOCKED = 7,   /**< only while locked */
  PC_ERR_NOT_TCP = 8,      /**< the descriptor is no connected TCP socket */
  PC_ERR_FULL = 9,         /**< a capacity is used up */
  PC_ERR_UNKNOWN_ORDER = 10, /**< booked as foreign where it has a quantity, else only counted */
  PC_ERR_REPEATED = 11,    /**< this ExecID or CumQty was booked before: nothing done */
  PC_ERR_WRONG_THREAD = 12,
  PC_ERR_CLOSED = 13,      /**< detached, forked, or the attachment is gone */
  PC_ERR_BUSY = 14,        /**< a parent with working children, a session with an unfinished message */
  PC_ERR_IO = 15
} pc_status;

/** What the supervisor asks of a lane; returned by pc_poll. */
typedef enum pc_command {
  PC_COMMAND_NONE = 0,   /**< go on */
  PC_COMMAND_STOP = 1,   /**< no new orders (locked, or not armed yet); nothing to cancel is asked */
  PC_COMMAND_CANCEL = 2  /**< halt, lost lease, pause: cancel every open order (pc_next_cancel paces it) */
} pc_command;

typedef enum pc_side { PC_BUY = 1, PC_SELL = 2, PC_SELL_SHORT = 5 } pc_side;                           /* 54 */
typedef enum pc_ord_type { PC_MARKET = 1, PC_LIMIT = 2, PC_STOP = 3, PC_STOP_LIMIT = 4 } pc_ord_type;  /* 40 */
typedef enum pc_tif { PC_DAY = 0, PC_GTC = 1, PC_IOC = 3, PC_FOK = 4, PC_GTD = 6 } pc_tif;             /* 59 */
/** What the engine leaves behind at detach. */
typedef enum pc_keep { PC_KEEP_NONE = 0, PC_KEEP_GTC = 1 } pc_keep;

/** Text by pointer and length; it need not end in NUL. */
typedef struct pc_text { const char* data; uint32_t length; uint32_t reserved; } pc_text;

typedef struct pc_attach_options {
  uint32_t size;
  uint32_t timeout_ms;  /**< to connect and be answered; 0 = 2,000 */
  const char* engine;   /**< name of the engine: names the configuration and the socket; [A-Za-z0-9._-], at most 23 bytes */
  const char* run_dir;  /**< folder of sockets; NULL = $PORTCULLIS_RUN_DIR, else /run/portcullis */
} pc_attach_options;

typedef struct pc_order {
  uint32_t size;
  uint32_t instrument;      /**< from pc_instrument */
  pc_text cl_ord_id;        /**< 11; 1 to 36 bytes */
  int64_t order_qty;        /**< 38; above 0 */
  int64_t px_e8;            /**< 44; ignored for market orders */
  int64_t stop_px_e8;       /**< 99; stop and stop limit only */
  pc_parent_handle parent;  /**< 0 = none */
  uint8_t side, ord_type, tif, reserved[5];
} pc_order;

/** Answer of pc_submit and pc_replace. observed and limit are in the limit's own unit (shm/limit_kind.hpp). */
typedef struct pc_ticket {
  uint32_t size;
  int32_t verdict;        /**< pc_verdict */
  pc_order_handle order;  /**< 0 unless PC_PASS */
  int64_t observed;
  int64_t limit;
  uint32_t window_ms;     /**< of the rate window that refused, else 0 */
  uint32_t reserved;
} pc_ticket;

typedef struct pc_replace_request {
  uint32_t size;
  uint32_t reserved;
  pc_order_handle order;  /**< the order to be replaced */
  pc_text cl_ord_id;      /**< 11 of the replace; 41 is the order's own id */
  int64_t order_qty;      /**< new 38 (total, filled part included) */
  int64_t px_e8;          /**< new 44 */
} pc_replace_request;

/** Names an order by handle, or, where handle is 0, by ClOrdID. */
typedef struct pc_order_ref {
  uint32_t size;
  uint32_t reserved;
  pc_order_handle handle;
  pc_text cl_ord_id;
} pc_order_ref;

typedef struct pc_fill {
  uint32_t size;
  uint32_t instrument;   /**< used for a foreign order; PC_NONE if unknown (then it cannot be booked: a breach) */
  pc_order_ref order;
  pc_text exec_id;       /**< 17; empty = none */
  int64_t last_qty;      /**< 32 */
  int64_t last_px_e8;    /**< 31 */
  int64_t cum_qty;       /**< 14; -1 = not given. A report with cum_qty not above the booked one is a repeat */
  uint8_t side, reserved[7]; /**< used for a foreign order */
} pc_fill;

/** A busted or corrected trade: the signed difference to book. */
typedef struct pc_correction {
  uint32_t size;
  uint32_t instrument;
  int64_t position_delta; /**< added to the position (a busted buy of 5: -5) */
} pc_correction;

/** One open order as the ledger has it; for cancelling. */
typedef struct pc_open_order {
  uint32_t size;
  uint32_t instrument;
  pc_order_handle handle;
  char cl_ord_id[PC_ID_BYTES + 4];  /**< NUL-terminated */
  char order_id[PC_ID_BYTES + 4];   /**< 37; empty while not accepted */
  int64_t order_qty, cum_qty, px_e8;
  uint8_t side, ord_type, tif, reserved[5];
} pc_open_order;

/* ---- attachment (any thread; not on the order path) ------------------------------------------------------------ */
/** Attaches; on PC_OK *hook is set and the gate is closed until people arm. On failure *hook is set too where memory
 *  allows, as a hook whose every verdict is PC_CLOSED, so that pc_why can be asked; it must be freed by pc_detach. */
PC_API pc_status pc_attach(const pc_attach_options* options, pc_hook** hook);
/** A sentence about the last failure of an attachment call, never NULL. */
PC_API const char* pc_why(const pc_hook* hook);
/** Ends the attachment and frees the hook, its lanes and sessions. With open orders it is refused by the supervisor's
 *  judgement (the exit then counts as a death); PC_KEEP_GTC lists GTC orders as kept. */
PC_API pc_status pc_detach(pc_hook* hook, pc_keep keep);
/** A descriptor that becomes readable when a command is waiting: for epoll and poll. -1 when not attached. pc_poll clears it. */
PC_API int pc_fd(const pc_hook* hook);
/** Number of an instrument, PC_NONE if the configuration lacks it. */
PC_API uint32_t pc_instrument(const pc_hook* hook, const char* symbol);
/** The lane of that name; the same pointer every time. */
PC_API pc_status pc_lane_open(pc_hook* hook, const char* name, pc_lane** lane);
/** The lane's owner process (a strategy behind this gateway): its death halts the lane. The pidfd stays the caller's. */
PC_API pc_status pc_lane_owner(pc_lane* lane, int pidfd);
/** Lets other threads take the lane's roles; the caller orders them. */
PC_API pc_status pc_lane_rebind(pc_lane* lane);
/** States the start-of-day position; only while locked. What this ledger booked since it was made (at attach, and again
 *  at each re-attachment) comes on top of it. With a gross limit and no reference price: PC_ERR_ARGUMENT. */
PC_API pc_status pc_position(pc_lane* lane, uint32_t instrument, int64_t position);
/** States position 0 for every instrument of the lane that was not stated yet; only while locked. */
PC_API pc_status pc_positions_flat(pc_lane* lane);

/** Handle of the open order (or open replace) of that ClOrdID on this lane; 0 = none. Any thread, no system call: a
 *  word read, so the answer may be old by the time it arrives. */
PC_API pc_order_handle pc_find(const pc_lane* lane, pc_text cl_ord_id);

/* ---- submitter: the order path (no system call, lock, allocation or log) ----------------------------------------- */
PC_API pc_verdict pc_submit(pc_lane* lane, const pc_order* order, pc_ticket* ticket);
/** Asks for n orders that are written together (n at most 64): each gets its own ticket; returns how many passed.
 *  The flight ends when each passed one was sent or not_sent. */
PC_API uint32_t pc_submit_batch(pc_lane* lane, const pc_order* orders, uint32_t n, pc_ticket* tickets);
/** The order's bytes were handed to the kernel, or to a queue whose bytes were declared. */
PC_API pc_status pc_sent(pc_lane* lane, pc_order_handle order);
/** Nothing of the order was written: takes back the order and, where they were declared last, its bytes. */
PC_API pc_status pc_not_sent(pc_lane* lane, pc_order_handle order);
PC_API pc_verdict pc_replace(pc_lane* lane, const pc_replace_request* request, pc_ticket* ticket);
/** Records that a cancel with that ClOrdID follows. Always passes; only counts. */
PC_API pc_status pc_cancel(pc_lane* lane, const pc_order_ref* order, pc_text cl_ord_id);
/** Opens a parent order; children name it. id to 36 bytes. */
PC_API pc_status pc_parent_open(pc_lane* lane, pc_text id, uint32_t instrument, pc_side side, int64_t qty,
                                pc_parent_handle* parent);
PC_API pc_status pc_parent_close(pc_lane* lane, pc_parent_handle parent);
/** Last price seen: the reference from now on. */
PC_API pc_status pc_mark(pc_lane* lane, uint32_t instrument, int64_t px_e8);
PC_API void pc_beat(pc_lane* lane);
/** No beat is owed from now until the next pc_beat, pc_submit or pc_work_in, while nothing is in flight. */
PC_API void pc_idle(pc_lane* lane);
PC_API void pc_work_in(pc_lane* lane, uint64_t items);
PC_API void pc_work_done(pc_lane* lane, uint64_t items);
/** Beat, then the command of the moment. Also re-attaches after the supervisor restarted (rarely; then it makes system calls). */
PC_API pc_command pc_poll(pc_lane* lane);
/** The next open order to cancel, largest notional first, at the session's cancel_rate_per_s. 1 = one is in *order,
 *  0 = none now (all asked, or the pace says wait). An order is handed out again after 1 s without an answer. */
PC_API int pc_next_cancel(pc_lane* lane, pc_open_order* order);

/* ---- responder ----------------------------------------------------------------------------------------------------- */
PC_API pc_status pc_accepted(pc_lane* lane, const pc_order_ref* order, pc_text order_id);        /* 39=0 */
PC_API pc_status pc_filled(pc_lane* lane, const pc_fill* fill);                                  /* 150=F, 1, 2 */
PC_API pc_status pc_cancelled(pc_lane* lane, const pc_order_ref* order);                         /* 39=4, C, 3 */
PC_API pc_status pc_rejected(pc_lane* lane, const pc_order_ref* order);                          /* 39=8, 35=j, 35=3; of a replace: the old order stays */
PC_API pc_status pc_replaced(pc_lane* lane, const pc_order_ref* new_order);                      /* 39=5 */
/** The venue refused a cancel or replace (35=9). ord_status is its tag 39; a terminal one ends the order. */
PC_API pc_status pc_cancel_rejected(pc_lane* lane, const pc_order_ref* order, char ord_status);
PC_API pc_status pc_corrected(pc_lane* lane, const pc_correction* correction);

/* ---- sessions ------------------------------------------------------------------------------------------------------ */
/** Hands a duplicate of the connected socket to the supervisor and waits for its answer. Before the first byte, so that
 *  the count starts at 0; later it is calibrated. fd -1 for a session whose configured transport is not `kernel`. */
PC_API pc_status pc_session_open(pc_hook* hook, const char* name, int fd, pc_session** session);
/** 1: while this engine was dead or stopped the supervisor spoke on this session; the engine's store has to go on with
 *  these MsgSeqNums (next_out: of its Logon; next_in: expected of the venue), else people cannot arm. 0: nothing to adopt.
 *  A Logon with ResetSeqNumFlag (141=Y) makes them void. */
PC_API int pc_session_numbers(const pc_session* session, uint64_t* next_out, uint64_t* next_in);
/** A complete message as this engine's encoder renders it (8= to 10=), kept for speaking on the engine's behalf. */
PC_API pc_status pc_session_template(pc_session* session, pc_text message);
/** These bytes (whole messages, one or several) are written next, or queued. Finds new-order messages nobody submitted.
 *  Cost: one pass over the bytes. */
PC_API pc_status pc_declare(pc_session* session, const void* bytes, size_t length);
/** The engine finished with the inbound message of that MsgSeqNum (34), and all before it. Right after opening a session
 *  whose numbers go on: the last one that it finished with earlier. */
PC_API void pc_processed(pc_session* session, uint64_t seq_num);
/** Before close(): the supervisor drops its duplicate. The session pointer is dead afterwards. */
PC_API pc_status pc_session_end(pc_session* session);

/* ---- texts --------------------------------------------------------------------------------------------------------- */
/** "order_rate/10ms 51 > 50"; writes at most length bytes with the NUL, returns the length it wanted. */
PC_API size_t pc_ticket_text(const pc_ticket* ticket, char* out, size_t length);
PC_API const char* pc_verdict_name(pc_verdict verdict);
PC_API const char* pc_status_name(pc_status status);
PC_API uint32_t pc_abi_version(void);

#ifdef __cplusplus
}
#endif
#endif
