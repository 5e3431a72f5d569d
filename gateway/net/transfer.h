/* The transport port on libcurl's multi interface and the loop: HTTP and SMTP exchanges.
 *
 * What a verdict rests on is evidence (did a byte of the request go out, did a complete reply come), never a
 * library's error code alone; see classify.h. One exchange is sent at most once: libcurl's own silent resend
 * on a reused connection that died is stopped as soon as a byte of the first try may be out.
 *
 * Redirects are not followed; only http, https, smtp, smtps; TLS peers are verified; no cookies, proxies,
 * netrc or anything else from the environment.
 *
 * Thread: the loop's.
 */
#ifndef ALMONER_NET_TRANSFER_H
#define ALMONER_NET_TRANSFER_H

#include <stddef.h>

#include "gateway/engine/ports.h"
#include "gateway/net/loop.h"

struct transfer;

/* Uses the loop's GATHER and SEND hooks and its TRANSFER deadline; one transfer a loop. The loop must outlive
 * it. NULL with `err` filled when libcurl cannot start or lacks what we rely on. */
MUST_CHECK struct transfer *transfer_create(struct loop *loop, struct err *err);
/* Cancels whatever is under way (no `done` is called), closes all connections, frees. Accepts NULL. Call it
 * outside `done`. */
void transfer_destroy(struct transfer *transfer);

/* The port to hand to the engine. Valid as long as the transfer. */
struct transport transfer_transport(struct transfer *transfer);

/* Exchanges submitted and neither done nor cancelled. */
size_t transfer_in_flight(const struct transfer *transfer);

/* Frees the idle handles kept for a target that is no longer configured, with the credentials in them. */
void transfer_forget_target(struct transfer *transfer, uint32_t target);

#endif
