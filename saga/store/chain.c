/* What every store computes alike: the chain of digests, salted digests, keys. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/mem.h"
#include "saga/store/cursor.h"
#include "saga/store/store.h"

/* The input of a commit is collected and hashed once: 104 bytes for each log row, 7 KB for a batch of 64
 * events, and the figures. */
struct store_chain {
	struct buf input;
};

void store_chain_begin(struct store_chain **chain, const uint8_t previous[32])
{
	struct store_chain *c = mem_zalloc(sizeof *c);
	buf_add(&c->input, previous, 32);
	*chain = c;
}

static void add_number(struct buf *b, int64_t value)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
	buf_add(b, bytes, sizeof bytes);
}

void store_chain_row(struct store_chain *chain, const struct log_row *row)
{
	uint8_t head[DIGEST_BYTES];
	if (row->head.len > 0)
		digest_bytes(row->head.p, row->head.len, head);
	else
		memcpy(head, row->head_digest, sizeof head);
	add_number(&chain->input, row->number);
	add_number(&chain->input, row->commit);
	add_number(&chain->input, row->subject);
	add_number(&chain->input, row->subject_id);
	add_number(&chain->input, row->at_ms);
	buf_add(&chain->input, head, sizeof head);
	buf_add(&chain->input, row->personal_digest, sizeof row->personal_digest);
}

/* No log row has the number 0, so the input cannot be read in two ways. */
void store_chain_figures(struct store_chain *chain, const struct chain_row *row)
{
	if (row->counters.len == 0 && row->marks.len == 0)
		return;
	add_number(&chain->input, 0);
	add_number(&chain->input, row->commit);
	add_number(&chain->input, row->at_ms);
	add_number(&chain->input, (int64_t)row->counters.len);
	buf_add(&chain->input, row->counters.p, row->counters.len);
	add_number(&chain->input, (int64_t)row->marks.len);
	buf_add(&chain->input, row->marks.p, row->marks.len);
}

void store_chain_end(struct store_chain *chain, uint8_t ret_digest[32])
{
	digest_bytes(chain->input.data, chain->input.len, ret_digest);
	buf_free(&chain->input);
	free(chain);
}

/* ---- figures ---- */

bool store_commit_is_full(int64_t commit)
{
	return (commit & STORE_NUMBER_MAX) == 1 || commit % STORE_FULL_EVERY == 0;
}

int64_t store_figures_first(int64_t last)
{
	return last - last % STORE_FULL_EVERY;
}

int store_figures_add(struct store_figures *f, const struct chain_row *row, struct err *err)
{
	int rc = tally_apply(&f->counters, row->counters, err);
	if (rc == 0)
		rc = tally_apply(&f->marks, row->marks, err);
	if (rc != 0)
		return err_wrap(err, rc, "commit %lld", (long long)row->commit);
	f->commit = row->commit;
	f->last_row = row->last;
	return 0;
}

void store_figures_free(struct store_figures *f)
{
	tally_free(&f->counters);
	tally_free(&f->marks);
	*f = (struct store_figures){ 0 };
}

/* ---- salted digests and keys ---- */

void store_personal_digest(const uint8_t salt[16], struct str personal, uint8_t ret[32])
{
	struct str content = personal.len > 0 ? (struct str){ personal.p + 1, personal.len - 1 } : personal;
	struct str parts[] = { { (const char *)salt, 16 }, content };
	digest_parts(parts, 2, ret);
}

static void key_of(const char *kind, const char *source, const char *id, uint8_t ret[STORE_KEY_BYTES])
{
	struct str parts[] = { str_of(kind), str_of(source), str_of(id) };
	uint8_t digest[DIGEST_BYTES];
	digest_parts(parts, 3, digest);
	memcpy(ret, digest, STORE_KEY_BYTES);
}

void store_event_key(const char *source, const char *event_id, uint8_t ret[STORE_KEY_BYTES])
{
	key_of("almoner-event-1", source, event_id, ret);
}

void store_gift_key(const char *source, const char *gift, uint8_t ret[STORE_KEY_BYTES])
{
	key_of("almoner-gift-1", source, gift, ret);
}
