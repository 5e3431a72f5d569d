/* The engine's transport port (gateway/engine/ports.h) on libcurl and the loop: HTTP and SMTP exchanges.
 *
 * A verdict rests on evidence (did a byte of the request go out, did a complete reply come), never on an
 * error code of libcurl alone; see classify.h. One exchange is sent at most once: libcurl's own resend on
 * a reused connection that died is stopped as soon as a byte of the first attempt may be out.
 *
 * Redirects are not followed. Only http, https, smtp and smtps. TLS peers are verified. No cookies,
 * proxies, netrc or anything else from the environment.
 *
 * Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_TRANSFER_H
#define ALMONER_GATEWAY_NET_TRANSFER_H

#include <stdint.h>

#include "gateway/engine/ports.h"
#include "gateway/net/loop.h"

struct transfer;

/* Takes the loop's GATHER and SEND hooks, its stall callback and its TRANSFER deadline, so a loop has one
 * transfer at most. The loop must outlive the transfer. NULL with `err` filled when libcurl cannot start or
 * lacks an option that almoner relies on. */
MUST_CHECK struct transfer *transfer_create(struct loop *loop, struct err *err);
/* Cancels all exchanges (no `done` is called), closes all connections, frees. Accepts NULL. Must not be
 * called inside `done`. */
void transfer_destroy(struct transfer *transfer);

/* The port to hand to the engine. Valid as long as the transfer. */
struct transport transfer_transport(struct transfer *transfer);

/* Frees the idle handles of a target that is no longer configured, and the credentials in them. */
void transfer_forget_target(struct transfer *transfer, uint32_t target);

#endif
