/* The inflight file: the digest of the request that each attempt in flight has sent, for attempts that may
 * have had an effect and whose outcome is not durable yet. It is a mapped file beside the store
 * (STORE.sending), so it survives a kill of the process, and the retry of an attempt that was cut off can be
 * compared with the same bytes (saga/DESIGN.md "Pinned and current"). The digest is not in the intent:
 * intents are written before the request is made, and a commit between making and sending would cost each
 * attempt one more sync. A power cut can lose the file; then the digest is unknown, as it is for a step that
 * never sent anything. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_INFLIGHT_H
#define ALMONER_SAGA_JOURNAL_STATE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/err.h"
#include "saga/model/decide.h"

#define INFLIGHT_BODY_BYTES 16
#define INFLIGHT_SLOTS      8192 /* attempts in flight at once; chosen; no measurement */

struct inflight_file;

/* Opens or makes the file. The caller holds the lock that keeps other processes out of the store. What the
 * last run left can be found until inflight_reset; a file of another layout counts as empty, and a damaged
 * entry is skipped. ERR_IO. */
int inflight_open(const char *path, struct inflight_file **ret, struct err *err) MUST_CHECK;
/* NULL is accepted. */
void inflight_close(struct inflight_file *s);

/* The digest of what this attempt of the last run has sent; false: none is known. */
bool inflight_find(const struct inflight_file *s, int64_t saga, struct attempt_ref ref,
				   uint8_t ret_body[INFLIGHT_BODY_BYTES]);
/* The number of the last commit that the last run acknowledged to a caller; 0: not known. A store that ends
 * before this commit has lost acknowledged data. */
int64_t inflight_last_commit(const struct inflight_file *s);
/* Forgets the requests that the last run left, once their consequences are durable. */
void inflight_reset(struct inflight_file *s);

/* Notes the number of a commit that is synced, before any caller gets its answer. Thread: the journal's. */
void inflight_committed(struct inflight_file *s, int64_t commit);

/* Records the digest of a request before it goes out. *slot is 0 for the first request of an attempt, and is
 * then set to the attempt's entry, which later requests overwrite. ERR_FULL: no entry is free, and the
 * request must not be sent. Thread: only one, the engine's. */
int inflight_record(struct inflight_file *s, int64_t saga, struct attempt_ref ref,
					const uint8_t body[INFLIGHT_BODY_BYTES], uint32_t *slot) MUST_CHECK;
/* Frees an entry, once the attempt's outcome is durable. `slot` may be 0. Thread: any. */
void inflight_clear(struct inflight_file *s, uint32_t slot);

#endif
