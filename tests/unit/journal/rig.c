#include "tests/unit/journal/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"

/* ---- ports -----------------------------------------------------------------------------------------------
 */

static int64_t rig_now(void *ctx)
{
	return ((struct rig *)ctx)->now_ms;
}

static uint64_t rig_below(void *ctx, uint64_t bound)
{
	struct rig *r = ctx;
	r->chance = r->chance * 6364136223846793005u + 1442695040888963407u;
	return bound == 0 ? 0 : (r->chance >> 33) % bound;
}

static enum admit rig_admit(void *ctx, uint32_t target, size_t bytes, bool may_ride)
{
	struct rig *r = ctx;
	assert_true(bytes > sizeof(struct work));
	r->asked++;
	r->asked_to_ride += may_ride ? 1 : 0;
	enum admit best = r->admit[target];
	if (best == ADMIT_SLOT && !may_ride)
		best = ADMIT_WINDOW;
	r->slots[target] += best == ADMIT_SLOT ? 1 : 0;
	r->window_bytes[target] += best == ADMIT_WINDOW ? (int64_t)bytes : 0;
	return best;
}

static size_t rig_room(void *ctx)
{
	const struct rig *r = ctx;
	return r->crowded ? r->room : SIZE_MAX;
}

static void rig_deliver(void *ctx, const struct delivery *delivery)
{
	struct rig *r = ctx;
	struct work *w, *next;
	for (w = STAILQ_FIRST(&delivery->works); w != NULL; w = next) {
		next = STAILQ_NEXT(w, link);
		STAILQ_INSERT_TAIL(&r->works, w, link);
	}
	for (size_t i = 0; i < delivery->news_count; i++) {
		uint32_t id = delivery->news[i].target;
		assert_true(id >= 1 && id < RIG_TARGETS_END);
		struct target_news before = r->news[id];
		r->news[id] = delivery->news[i];
		if (before.claim_done) { /* until the test has looked */
			r->news[id].claim_done = true;
			r->news[id].claim_granted += before.claim_granted;
		}
		r->news_count[id]++;
	}
}

static void rig_failed(void *ctx, const struct err *err)
{
	struct rig *r = ctx;
	r->failed = *err;
	r->failures++;
}

/* The store's own functions, where the rig steps between. One store at a time. */
static struct rig *rig_at_work;
static int (*real_commit)(void *ctx, struct err *err);
static int64_t (*real_free_bytes)(void *ctx);
static int64_t (*real_backlog_pages)(void *ctx);
static int (*real_checkpoint)(void *ctx, bool must, struct err *err);
static int (*real_saga_get)(void *ctx, int64_t id, struct saga_row *ret, struct err *err);
static int (*real_head)(void *ctx, struct store_head *ret, struct err *err);

static int commit_or_fail(void *ctx, struct err *err)
{
	struct rig *r = rig_at_work;
	if (r->commits_until_failure > 0 && --r->commits_until_failure == 0)
		return err_set(err, ERR_IO, "the disk is gone");
	return real_commit(ctx, err);
}

static int64_t free_bytes_as_told(void *ctx)
{
	return rig_at_work->fake_disk ? rig_at_work->free_bytes : real_free_bytes(ctx);
}

static int64_t pages_as_told(void *ctx)
{
	return rig_at_work->fake_pages != 0 ? rig_at_work->fake_pages : real_backlog_pages(ctx);
}

static int checkpoint_or_fail(void *ctx, bool must, struct err *err)
{
	int code = rig_at_work->checkpoint_code;
	return code != 0 ? err_set(err, code, "no room for the pages") : real_checkpoint(ctx, must, err);
}

/* One flipped bit: the saga says it had no route, and has steps. */
static int saga_get_damaged(void *ctx, int64_t id, struct saga_row *ret, struct err *err)
{
	static char value[65536];
	int rc = real_saga_get(ctx, id, ret, err);
	if (rc != 0 || id != rig_at_work->damaged_saga)
		return rc;
	assert_true(ret->value.len <= sizeof value);
	memcpy(value, ret->value.p, ret->value.len);
	value[1] = (char)(value[1] ^ 8);
	ret->value.p = value;
	return 0;
}

static int head_damaged(void *ctx, struct store_head *ret, struct err *err)
{
	int rc = real_head(ctx, ret, err);
	if (rc == 0 && rig_at_work->damage != NULL)
		rig_at_work->damage(&ret->counters);
	return rc;
}

/* ---- life ------------------------------------------------------------------------------------------------
 */

static struct step_rules rules_of(enum repeat repeat)
{
	return (struct step_rules){ .repeat = repeat,
								.repeat_ttl_ms = 86400000,
								.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 60000 },
								.can_undo = true,
								.can_lookup = repeat == REPEAT_QUERYABLE };
}

static void open_store(struct rig *r, struct store_writer *store)
{
	struct err err = { 0 };
	struct store_sqlite_options options = { .vfs = r->vfs };
	int rc = store_sqlite_open(r->path, &options, store, &err);
	if (rc != 0)
		fail_msg("%s", err.text);
	rig_at_work = r;
	real_commit = store->commit;
	real_free_bytes = store->free_bytes;
	real_backlog_pages = store->backlog_pages;
	real_checkpoint = store->checkpoint;
	real_saga_get = store->saga_get;
	real_head = store->head;
	store->backlog_pages = pages_as_told;
	store->checkpoint = checkpoint_or_fail;
	store->saga_get = saga_get_damaged;
	store->head = head_damaged;
	store->commit = commit_or_fail;
	store->free_bytes = free_bytes_as_told;
}

int rig_try_open(struct rig *r, struct err *err)
{
	struct journal_options o = { .clock = { r, rig_now, rig_now },
								 .entropy = { r, rig_below },
								 .hooks = { .ctx = r,
											.admit = rig_admit,
											.room = rig_room,
											.deliver = rig_deliver,
											.failed = rig_failed },
								 .targets = r->targets,
								 .target_count = RIG_TARGETS_END - 1 - r->left_out,
								 .reserve_bytes = r->reserve_bytes,
								 .queue_records = r->queue_records,
								 .recount_rows = r->recount_rows,
								 .actor = "the rig" };
	open_store(r, &o.store);
	return journal_create(&o, &r->j, err);
}

void rig_open(struct rig *r)
{
	struct err err = { 0 };
	if (rig_try_open(r, &err) != 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < RIG_TARGETS_END - 1; i++)
		assert_int_equal(r->targets[i].id, i + 1);
}

int rig_setup(void **state)
{
	static const char *const names[] = { "crm", "books", "thanks", "mail" };
	static const enum repeat repeats[] = { REPEAT_KEYED, REPEAT_IDEMPOTENT, REPEAT_UNSAFE, REPEAT_QUERYABLE };
	struct rig *r = mem_zalloc(sizeof *r);
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(r->dir, sizeof r->dir, "%s/almoner-journal-XXXXXX", tmp);
	assert_non_null(mkdtemp(r->dir));
	(void)snprintf(r->path, sizeof r->path, "%s/log.db", r->dir);
	r->now_ms = RIG_T0;
	STAILQ_INIT(&r->works);
	for (unsigned i = 0; i < RIG_TARGETS_END - 1; i++) {
		r->targets[i] = (struct journal_target){ .name = names[i], .rules = rules_of(repeats[i]) };
		r->admit[i + 1] = ADMIT_SLOT;
	}
	r->plan = rig_plan("crm books thanks<books", POLICY_CONTINUE);
	*state = r;
	rig_open(r);
	return 0;
}

void rig_drop_works(struct rig *r)
{
	struct work *w;
	while ((w = STAILQ_FIRST(&r->works)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->works, link);
		work_destroy(w);
	}
}

int rig_teardown(void **state)
{
	struct rig *r = *state;
	rig_drop_works(r);
	journal_destroy(r->j);
	plan_unref(r->plan);
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char path[128];
		(void)snprintf(path, sizeof path, "%s%s", r->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

struct rig *rig_of(void **state)
{
	return *state;
}

void rig_close(struct rig *r)
{
	rig_drop_works(r);
	journal_destroy(r->j);
	r->j = NULL;
	memset(r->news_count, 0, sizeof r->news_count);
	memset(r->slots, 0, sizeof r->slots);
	memset(r->window_bytes, 0, sizeof r->window_bytes);
}

void rig_crash(struct rig *r)
{
	rig_close(r);
	rig_open(r);
	rig_audit(r);
}

void rig_audit(struct rig *r)
{
	struct err err = { 0 };
	if (r->damaged_saga != 0)
		return; /* it would find just that */
	if (journal_audit(r->j, &err) != 0)
		fail_msg("%s", err.text);
}

int rig_pump(struct rig *r)
{
	int sum = 0;
	int rc;
	while ((rc = journal_pump(r->j)) > 0) {
		sum += rc;
		rig_audit(r);
	}
	if (rc == 0)
		rig_audit(r);
	return rc < 0 ? rc : sum;
}

void rig_wait(struct rig *r, int64_t ms)
{
	r->now_ms += ms;
	(void)rig_pump(r);
}

/* ---- events ----------------------------------------------------------------------------------------------
 */

struct prepared {
	struct accept accept;
	struct plan *plan;
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
};

static void prepared_drop(struct accept *a)
{
	struct prepared *p = (struct prepared *)(void *)a;
	event_unref(a->event);
	plan_unref(p->plan);
	free(p);
}

static void prepared_done(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct rig *r = ctx;
	r->accepted = *result;
	r->answers++;
	prepared_drop(a);
}

struct event *rig_event(const struct rig *r, const struct rig_event *ev)
{
	struct event_fields f = { .source = STR("forms"),
							  .event_id = str_of(ev->id),
							  .type = STR("donation.created"),
							  .gift = str_of(ev->gift),
							  .donor = STR("ada@example.org"),
							  .content_type = STR("application/json"),
							  .raw = str_of(ev->body != NULL ? ev->body : ev->id),
							  .canonical = STR("{\"id\":1}") };
	return event_create(&f, r->now_ms);
}

struct saga_start rig_start(const struct rig_event *ev, struct plan *plan, uint8_t lanes[][LANE_BYTES])
{
	struct saga_start start = { .plan = plan,
								.source = "forms",
								.event_id = ev->id,
								.type = "donation.created",
								.gift = ev->gift != NULL ? ev->gift : "",
								.donor = "ada@example.org",
								.note = ev->quarantined ? "the mapping failed" : "",
								.unrouted = ev->unrouted,
								.own_reason = ev->quarantined ? REASON_QUARANTINED : REASON_NONE };
	if (ev->lane != NULL) {
		start.lane_mask = UINT32_MAX;
		start.lanes = (const uint8_t(*)[LANE_BYTES])lanes;
		for (unsigned i = 0; i < plan->step_count; i++) {
			memset(lanes[i], 0, LANE_BYTES);
			memcpy(lanes[i], ev->lane, strlen(ev->lane));
		}
	}
	return start;
}

int rig_submit(struct rig *r, const struct rig_event *ev)
{
	struct prepared *p = mem_zalloc(sizeof *p);
	p->plan = ev->quarantined || ev->unrouted ? plan_empty() : plan_ref(r->plan);
	p->accept.kind = ev->related ? ACCEPT_RELATED : ACCEPT_SAGA;
	p->accept.event = rig_event(r, ev);
	p->accept.start = rig_start(ev, p->plan, p->lanes);
	p->accept.start.event_id = p->accept.event->f.event_id.p; /* lives until it is done */
	p->accept.gift_wait_ms = 3600000;
	p->accept.ctx = r;
	p->accept.done = prepared_done;
	p->accept.drop = prepared_drop;
	journal_event_key("forms", ev->id, p->accept.dedup);
	p->accept.has_gift = ev->gift != NULL;
	if (ev->gift != NULL)
		journal_gift_key("forms", ev->gift, p->accept.gift);
	int rc = journal_accept(r->j, &p->accept);
	if (rc != 0)
		prepared_drop(&p->accept);
	return rc;
}

int64_t rig_accept(struct rig *r, const struct rig_event *ev)
{
	unsigned before = r->answers;
	r->accepted = (struct accept_result){ .code = ERR_STALE };
	assert_int_equal(rig_submit(r, ev), 0);
	assert_int_equal(rig_pump(r), 1);
	assert_int_equal(r->answers, before + 1);
	return r->accepted.saga;
}

int64_t rig_accept_id(struct rig *r, const char *id)
{
	return rig_accept(r, &(struct rig_event){ .id = id });
}

/* ---- works -----------------------------------------------------------------------------------------------
 */

static struct work *find(const struct rig *r, enum work_kind kind, int64_t saga, enum rig_target target)
{
	struct work *w;
	STAILQ_FOREACH(w, &r->works, link)
	{
		if (w->kind == kind && w->saga == saga && w->target == target)
			return w;
	}
	return NULL;
}

bool rig_has(const struct rig *r, enum work_kind kind, int64_t saga, enum rig_target target)
{
	return find(r, kind, saga, target) != NULL;
}

unsigned rig_work_count(const struct rig *r)
{
	unsigned count = 0;
	struct work *w;
	STAILQ_FOREACH(w, &r->works, link)
	count++;
	return count;
}

struct work *rig_take(struct rig *r, enum work_kind kind, int64_t saga, enum rig_target target)
{
	struct work *w = find(r, kind, saga, target);
	if (w == NULL)
		fail_msg("no work of kind %d for saga %lld at target %d", (int)kind, (long long)saga, (int)target);
	STAILQ_REMOVE(&r->works, w, work, link);
	return w;
}

void rig_outcome(struct rig *r, struct work *w, enum outcome_class result)
{
	struct outcome o = { .result = result, .effect_sent = result != OUTCOME_UNREACHABLE, .status = 200 };
	if (result == OUTCOME_OK && w->ref.direction == DIRECTION_DO)
		o.result_json = "{\"id\":\"R-1\"}";
	if (result != OUTCOME_OK)
		o.detail = "as the test wants it";
	journal_outcome(r->j, w, &o, NULL);
	(void)rig_pump(r);
}

void rig_finish(struct rig *r, int64_t saga, enum rig_target target, enum outcome_class result)
{
	rig_outcome(r, rig_take(r, WORK_START, saga, target), result);
}

void rig_claim(struct rig *r, enum rig_target target, uint32_t max)
{
	journal_claim(r->j, (uint32_t)target, max);
	r->news[target] = (struct target_news){ 0 };
	assert_int_equal(rig_pump(r), 1);
	assert_true(r->news[target].claim_done);
	assert_true(r->news[target].claim_granted <= max);
}

/* ---- people ----------------------------------------------------------------------------------------------
 */

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct rig *r = ctx;
	r->verb = *result;
	r->verb_answers++;
}

int rig_verb(struct rig *r, int64_t saga, enum verb verb, int step)
{
	struct verb_call call = { .verb = verb, .step = step, .actor = "uid 7 (ada)", .note = "a test" };
	unsigned before = r->verb_answers;
	assert_int_equal(journal_verb(r->j, saga, &call, r, verb_done), 0);
	assert_int_equal(rig_pump(r), 1);
	assert_int_equal(r->verb_answers, before + 1);
	return r->verb.code;
}

void rig_target_act(struct rig *r, const char *name, enum target_action action)
{
	assert_int_equal(journal_target_act(r->j, name, action, "uid 7 (ada)", "a test", r, verb_done), 0);
	assert_int_equal(rig_pump(r), 1);
}
