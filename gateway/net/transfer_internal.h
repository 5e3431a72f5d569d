/* Shared by the files of the transfer: transfer.c (life), transfer_exchange.c (one exchange from submit to
 * done), transfer_turn.c (what happens in a turn of the loop). Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_TRANSFER_INTERNAL_H
#define ALMONER_GATEWAY_NET_TRANSFER_INTERNAL_H

#include "gateway/net/pool.h"
#include "gateway/net/smtp/worker.h"
#include "gateway/net/sockets.h"
#include "gateway/net/transfer.h"

#define TRANSFER_NEVER INT64_MAX

struct transfer {
	struct loop *loop;
	CURLM *multi;
	struct sockets *sockets;
	struct smtp_workers smtp;
	struct pools pools;
	struct exchange_list running; /* HTTP: with libcurl, or finished there and not yet collected */
	/* exchanges with mail: in a thread, or finished there and not yet collected */
	struct exchange_list smtp_running;
	/* exchanges that were never sent; the next turn delivers their results */
	struct exchange_list failed_locally;
	size_t running_count;        /* of `running` */
	size_t failed_locally_count; /* of `failed_locally` */
	int64_t curl_due_ms;         /* when libcurl wants to be called; monotonic; TRANSFER_NEVER: not at all */
	bool has_uncollected;        /* an HTTP exchange finished after this turn's collection */
	bool delivering;             /* `done` functions are being called */
};

/* ---- transfer_exchange.c: the functions of the port, and delivery ---- */

void *transfer_submit(void *transfer, const struct transport_request *request);
void transfer_cancel(void *transfer, void *exchange);
/* Calls the exchange's `done` with the result and gives the exchange back to its pool. `code`: how libcurl
 * ended; CURLE_OK for an exchange that failed locally. */
void transfer_deliver(struct transfer *t, struct exchange *x, CURLcode code);
/* Records how a look-up of the target's name ended after which no connection was opened: answered, or
 * abandoned. */
void transfer_lookup_ended(struct transfer *t, uint32_t target, bool answered);

/* ---- transfer_turn.c: hooks of the loop and libcurl's timer ---- */

int transfer_on_timer(CURLM *multi, long timeout_ms, void *transfer);
void transfer_on_stall(void *transfer, int64_t stalled_ms);
void transfer_on_gather(void *transfer);
void transfer_on_send(void *transfer);

#endif
