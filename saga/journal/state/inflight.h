/* What is on its way: of each attempt that may have had an effect and whose outcome is not durable yet, the digest of
 * the request it sent. It is kept in a mapped file beside the store, so a kill does not take it along, and the retry of
 * what was cut off can be held to the same bytes (DESIGN §6). A digest in the intent itself would cost each attempt a
 * commit between its first request's making and its sending. A power cut does take it along: then the digest is not
 * known, as it is not for a step that never sent anything. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_INFLIGHT_H
#define ALMONER_SAGA_JOURNAL_STATE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/err.h"
#include "saga/model/decide.h"

#define INFLIGHT_BODY_BYTES 16
#define INFLIGHT_SLOTS      8192 /* attempts on their way at once */

struct inflight_file;

/* The caller holds the lock that keeps other processes out. What the last run left can be found until
 * inflight_reset. A file of another layout, or entries that make no sense, tell nothing. ERR_IO. */
int inflight_open(const char *path, struct inflight_file **ret, struct err *err) MUST_CHECK;
/* NULL is accepted. */
void inflight_close(struct inflight_file *s);

/* The digest of what that attempt of the last run sent; false: it sent nothing that is known. */
bool inflight_find(const struct inflight_file *s, int64_t saga, struct attempt_ref ref,
				   uint8_t ret_body[INFLIGHT_BODY_BYTES]);
/* The last commit that anybody was told of in the last run; 0: not known. A store that ends before it has lost what was
 * acknowledged. */
int64_t inflight_last_commit(const struct inflight_file *s);
/* Forgets the last run: what was found is durable. */
void inflight_reset(struct inflight_file *s);

/* It is synced, and nobody has been told of it yet. Thread: the journal's. */
void inflight_committed(struct inflight_file *s, int64_t commit);

/* Before an effect goes out. *slot is 0 at an attempt's first one, and then its entry. ERR_FULL: it must not be sent.
 * Thread: one, the engine's. */
int inflight_record(struct inflight_file *s, int64_t saga, struct attempt_ref ref,
					const uint8_t body[INFLIGHT_BODY_BYTES], uint32_t *slot) MUST_CHECK;
/* The outcome is durable. `slot` may be 0. Thread: any. */
void inflight_clear(struct inflight_file *s, uint32_t slot);

#endif
