/* The store as a whole: its life, its connections, transactions, and failures on purpose. */
#include <stdlib.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "tests/support/memory_store/internal.h"

#define SCHEMA_KNOWN 1

/* ---- life ---- */

struct memory_store *memory_store_create(void)
{
	struct memory_store *s = mem_zalloc(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void memory_store_clear(struct memory_store *s)
{
	pthread_mutex_lock(&s->lock);
	assert(s->writers == NULL);
	for (size_t i = 0; i < TABLE_COUNT; i++)
		memory_table_clear(&s->tables[i]);
	s->schema = 0;
	s->last_rejected = 0;
	free(s->numbers);
	s->numbers = NULL;
	s->number_count = 0;
	s->failure = (struct memory_store_failure){ 0 };
	pthread_mutex_unlock(&s->lock);
}

void memory_store_destroy(struct memory_store *s)
{
	if (s == NULL)
		return;
	memory_store_clear(s);
	buf_free(&s->trip_names);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- the beginning of each call ---- */

const char *memory_call_name(enum memory_call call)
{
	static const char *const names[] = { [CALL_ANY] = "any",
#define MEMORY_CALL_NAME(name, text) [CALL_##name] = (text),
										 MEMORY_CALLS(MEMORY_CALL_NAME)
#undef MEMORY_CALL_NAME
	};
	return names[call];
}

struct memory_store_failure memory_store_fail(struct memory_store *s,
											  const struct memory_store_failure *failure)
{
	pthread_mutex_lock(&s->lock);
	struct memory_store_failure before = s->failure;
	s->failure = *failure;
	pthread_mutex_unlock(&s->lock);
	return before;
}

unsigned memory_store_calls(const struct memory_store *s, enum memory_call call)
{
	return s->calls[call];
}

unsigned memory_store_calls_after_failure(const struct memory_store *s)
{
	return s->calls_after_failure;
}

/* 0, or the code with which this call fails. */
static int count_call(struct memory_store *s, enum memory_call call)
{
	struct memory_store_failure *f = &s->failure;
	s->calls[CALL_ANY]++;
	s->calls[call]++;
	if (f->countdown == 0 || (f->call != CALL_ANY && f->call != call))
		return 0;
	return --f->countdown == 0 ? f->code : 0;
}

static int fail_call(enum memory_call call, int code, struct err *err)
{
	return err_set(err, code, "the memory store was told to fail at %s", memory_call_name(call));
}

/* After a failure with no space the journal may roll back and try the same again; after any other one, and
 * after a failed commit, it must not. */
struct memory_guard memory_write_begin(void *ctx, enum memory_call call, struct err *err)
{
	struct memory_writer *w = ctx;
	pthread_mutex_lock(&w->s->lock);
	struct memory_guard g = { .s = w->s };
	if (w->failed != 0 && call != CALL_ROLLBACK) {
		w->s->calls_after_failure++;
		g.rc = fail_call(call, w->failed, err);
		return g;
	}
	int code = count_call(w->s, call);
	if (code == 0)
		return g;
	if (code != ERR_FULL || call == CALL_COMMIT)
		w->failed = code;
	g.rc = fail_call(call, code, err);
	return g;
}

struct memory_guard memory_read_begin(void *ctx, enum memory_call call, struct err *err)
{
	struct memory_reader *r = ctx;
	pthread_mutex_lock(&r->s->lock);
	struct memory_guard g = { .s = r->s };
	int code = count_call(r->s, call);
	if (code != 0)
		g.rc = fail_call(call, code, err);
	else
		memory_trip_of_reader(r, call);
	return g;
}

void memory_guard_end(struct memory_guard *g)
{
	if (g->s != NULL)
		pthread_mutex_unlock(&g->s->lock);
	g->s = NULL;
}

/* ---- transactions ---- */

static int store_begin(void *ctx, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_BEGIN, err);
	if (g.rc != 0)
		return g.rc;
	assert(!w->open);
	memory_trip_forget(w, false); /* what was read outside of a transaction */
	w->open = true;
	return 0;
}

static void end_transaction(struct memory_writer *w, bool keep)
{
	if (keep)
		memory_change_commit(&w->change);
	else
		memory_change_rollback(&w->change);
	memory_trip_forget(w, !keep);
	w->open = w->reserved = false;
}

static int store_commit(void *ctx, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_COMMIT, err);
	if (g.rc != 0) {
		if (w->open && w->s->failure.takes_effect)
			end_transaction(w, true);
		return g.rc;
	}
	assert(w->open);
	end_transaction(w, true);
	memory_trip_ask(w, CALL_COMMIT);
	return 0;
}

/* Without a transaction there is nothing to do. */
static int store_rollback(void *ctx, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROLLBACK, err);
	if (g.rc == 0)
		end_transaction(w, false);
	return g.rc;
}

/* ---- disks: there is none ---- */

static int store_checkpoint(void *ctx, struct err *err)
{
	struct memory_guard AUTO_GUARD g = memory_write_begin(ctx, CALL_CHECKPOINT, err);
	return g.rc;
}

static int64_t no_pages(void *ctx)
{
	(void)ctx;
	return 0;
}

static int64_t unknown_space(void *ctx)
{
	(void)ctx;
	return -1;
}

static bool always_unchanged(void *ctx)
{
	(void)ctx;
	return true;
}

/* ---- connections ---- */

static void writer_close(void *ctx)
{
	struct memory_writer *w = ctx;
	struct memory_store *s = w->s;
	pthread_mutex_lock(&s->lock);
	end_transaction(w, false);
	memory_trip_forget(w, true);
	memory_value_unref(w->borrowed);
	struct memory_writer **at = &s->writers;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	pthread_mutex_unlock(&s->lock);
	free(w);
}

static int check_schema(const struct memory_store *s, struct err *err)
{
	if (s->schema <= SCHEMA_KNOWN)
		return 0;
	return err_set(err, ERR_REFUSED, "the memory store has schema %d, which a newer version wrote",
				   s->schema);
}

static int check_part(const struct memory_store *s, uint16_t part, struct err *err)
{
	for (const struct memory_writer *w = s->writers; w != NULL; w = w->next) {
		if (w->options.part == part)
			return err_set(err, ERR_BUSY, "part %u of the memory store has a writer, in pid %ld", part,
						   (long)getpid());
	}
	return 0;
}

int memory_store_open(struct memory_store *s, const struct memory_store_options *options,
					  struct store_writer *ret, struct err *err)
{
	struct memory_store_options o = options != NULL ? *options : (struct memory_store_options){ 0 };
	struct memory_guard AUTO_GUARD g = { .s = s };
	assert(o.part < STORE_PARTS);
	pthread_mutex_lock(&s->lock);
	int rc = check_schema(s, err);
	if (rc == 0)
		rc = check_part(s, o.part, err);
	if (rc != 0)
		return rc;
	struct memory_writer *w = mem_zalloc(sizeof *w);
	w->s = s;
	w->options = o;
	w->options.stride = o.stride > 0 ? o.stride : 1;
	w->next = s->writers;
	s->writers = w;
	s->schema = SCHEMA_KNOWN;
	*ret = (struct store_writer){ .ctx = w,
								  .begin = store_begin,
								  .commit = store_commit,
								  .rollback = store_rollback,
								  .checkpoint = store_checkpoint,
								  .wal_truncate = store_checkpoint,
								  .wal_pages = no_pages,
								  .free_bytes = unknown_space,
								  .files_unchanged = always_unchanged,
								  .close = writer_close };
	memory_saga_ops(ret);
	memory_key_ops(ret);
	memory_reserve_ops(ret);
	memory_search_ops(ret);
	memory_step_ops(ret);
	memory_related_ops(ret);
	memory_job_ops(ret);
	memory_rejected_ops(ret);
	memory_log_ops(ret);
	return 0;
}

static void reader_close(void *ctx)
{
	free(ctx);
}

int memory_store_open_reader(struct memory_store *s, struct store_reader *ret, struct err *err)
{
	struct memory_guard AUTO_GUARD g = { .s = s };
	pthread_mutex_lock(&s->lock);
	if (s->schema == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no memory store yet");
	int rc = check_schema(s, err);
	if (rc != 0)
		return rc;
	struct memory_reader *r = mem_zalloc(sizeof *r);
	r->s = s;
	*ret = (struct store_reader){ .ctx = r, .close = reader_close };
	memory_read_ops(ret);
	memory_job_read_ops(ret);
	memory_rejected_read_ops(ret);
	memory_search_read_ops(ret);
	memory_list_ops(ret);
	memory_verify_ops(ret);
	return 0;
}
