#include "tests/unit/journal/journal_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"

/* ---- ports ---- */

static int64_t fixture_now(void *ctx)
{
	return ((struct journal_fixture *)ctx)->now_ms;
}

static uint64_t fixture_below(void *ctx, uint64_t bound)
{
	struct journal_fixture *r = ctx;
	r->chance = r->chance * 6364136223846793005u + 1442695040888963407u;
	return bound == 0 ? 0 : (r->chance >> 33) % bound;
}

static enum admission fixture_admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct journal_fixture *r = ctx;
	assert_true(bytes > sizeof(struct work));
	r->asked++;
	r->asked_to_start += may_start_in_commit ? 1 : 0;
	enum admission best = r->admission[target];
	if (best == ADMISSION_SLOT && !may_start_in_commit)
		best = ADMISSION_WINDOW;
	r->slots[target] += best == ADMISSION_SLOT ? 1 : 0;
	r->window_bytes[target] += best == ADMISSION_WINDOW ? (int64_t)bytes : 0;
	return best;
}

static size_t fixture_capacity(void *ctx)
{
	const struct journal_fixture *r = ctx;
	return r->capacity_limited ? r->start_capacity : SIZE_MAX;
}

static void fixture_deliver(void *ctx, const struct handout *delivery)
{
	struct journal_fixture *r = ctx;
	struct work *w, *next;
	for (w = STAILQ_FIRST(&delivery->works); w != NULL; w = next) {
		next = STAILQ_NEXT(w, link);
		STAILQ_INSERT_TAIL(&r->works, w, link);
	}
	for (size_t i = 0; i < delivery->news_count; i++) {
		uint32_t id = delivery->news[i].target;
		assert_true(id >= 1 && id < FIXTURE_TARGETS_END);
		struct target_news before = r->news[id];
		r->news[id] = delivery->news[i];
		if (before.claim_done) { /* a claim that ended stays visible until the test resets it */
			r->news[id].claim_done = true;
			r->news[id].claim_granted += before.claim_granted;
		}
		r->news_count[id]++;
	}
}

static void fixture_failed(void *ctx, const struct err *err)
{
	struct journal_fixture *r = ctx;
	r->failed = *err;
	r->failures++;
}

/* The functions of the store that the fixture replaces. Only one store is open at a time. */
static struct journal_fixture *current_fixture;
static int (*real_commit)(void *ctx, struct err *err);
static int64_t (*real_free_bytes)(void *ctx);
static int64_t (*real_wal_pages)(void *ctx);
static int (*real_checkpoint)(void *ctx, struct err *err);
static int (*real_truncate)(void *ctx, struct err *err);

static int commit_or_fail(void *ctx, struct err *err)
{
	struct journal_fixture *r = current_fixture;
	if (r->commits_until_failure > 0 && --r->commits_until_failure == 0)
		return err_set(err, r->failure_code != 0 ? r->failure_code : ERR_IO, "the disk is gone");
	int rc = real_commit(ctx, err);
	r->commits += rc == 0 ? 1 : 0;
	return rc;
}

static int64_t fake_free_bytes(void *ctx)
{
	return current_fixture->fake_disk ? current_fixture->free_bytes : real_free_bytes(ctx);
}

static int64_t fake_wal_pages(void *ctx)
{
	return current_fixture->fake_pages != 0 ? current_fixture->fake_pages : real_wal_pages(ctx);
}

static int checkpoint_or_fail(void *ctx, struct err *err)
{
	int code = current_fixture->checkpoint_code;
	return code != 0 ? err_set(err, code, "no free space for the pages") : real_checkpoint(ctx, err);
}

static int truncate_or_fail(void *ctx, struct err *err)
{
	int code = current_fixture->truncate_code;
	return code != 0 ? err_set(err, code, "no free space to truncate") : real_truncate(ctx, err);
}

/* ---- life ---- */

static struct step_rules rules_of(enum repeat repeat)
{
	return (struct step_rules){ .repeat = repeat,
								.repeat_ttl_ms = 86400000,
								.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 60000 },
								.can_undo = true,
								.can_lookup = repeat == REPEAT_QUERYABLE };
}

static void open_store(struct journal_fixture *r, struct store_writer *store)
{
	fixture_open_store(r, store);
	current_fixture = r;
	fixture_wrap_store(r, store);
	fixture_damage_store(r, store);
	real_commit = store->commit;
	real_free_bytes = store->free_bytes;
	real_wal_pages = store->wal_pages;
	real_checkpoint = store->checkpoint;
	real_truncate = store->wal_truncate;
	store->wal_truncate = truncate_or_fail;
	store->wal_pages = fake_wal_pages;
	store->checkpoint = checkpoint_or_fail;
	store->commit = commit_or_fail;
	store->free_bytes = fake_free_bytes;
	if (r->wrap != NULL)
		r->wrap(store);
}

int fixture_try_open(struct journal_fixture *r, struct err *err)
{
	struct journal_options o = { .clock = { r, fixture_now, fixture_now },
								 .entropy = { r, fixture_below },
								 .hooks = { .ctx = r,
											.admission = fixture_admit,
											.start_capacity = fixture_capacity,
											.hand_out = fixture_deliver,
											.failed = fixture_failed },
								 .targets = r->targets,
								 .target_count = FIXTURE_TARGETS_END - 1 - r->left_out,
								 .reserve_bytes = r->reserve_bytes,
								 .queue_records = r->queue_records,
								 .recount_rows = r->recount_rows,
								 .low_mark_span = r->low_mark_span,
								 .check_every = 1,
								 .actor = "the test" };
	open_store(r, &o.store);
	return journal_create(&o, &r->j, err);
}

void fixture_open(struct journal_fixture *r)
{
	struct err err = { 0 };
	if (fixture_try_open(r, &err) != 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < FIXTURE_TARGETS_END - 1; i++)
		assert_int_equal(r->targets[i].id, i + 1);
}

static int setup(void **state, bool memory)
{
	static const char *const names[] = { "crm", "books", "thanks", "mail" };
	static const enum repeat repeats[] = { REPEAT_KEYED, REPEAT_IDEMPOTENT, REPEAT_UNSAFE, REPEAT_QUERYABLE };
	struct journal_fixture *r = mem_zalloc(sizeof *r);
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(r->dir, sizeof r->dir, "%s/almoner-journal-XXXXXX", tmp);
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof r->path, "%s/log.db", r->dir);
	if (memory)
		r->memory = memory_store_create();
	r->now_ms = FIXTURE_T0;
	STAILQ_INIT(&r->works);
	for (unsigned i = 0; i < FIXTURE_TARGETS_END - 1; i++) {
		r->targets[i] = (struct journal_target){ .name = names[i], .rules = rules_of(repeats[i]) };
		r->admission[i + 1] = ADMISSION_SLOT;
	}
	r->plan = fixture_plan("crm books thanks<books", POLICY_CONTINUE);
	*state = r;
	fixture_open(r);
	return 0;
}

int fixture_setup(void **state)
{
	const char *store = getenv("ALMONER_TEST_STORE");
	return setup(state, store != NULL && strcmp(store, "memory") == 0);
}

int fixture_setup_memory(void **state)
{
	return setup(state, true);
}

int fixture_teardown(void **state)
{
	struct journal_fixture *r = *state;
	fixture_drop_works(r);
	journal_destroy(r->j);
	plan_unref(r->plan);
	fixture_remove_store(r);
	memory_store_destroy(r->memory);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

struct journal_fixture *fixture_of(void **state)
{
	return *state;
}

void fixture_close(struct journal_fixture *r)
{
	fixture_drop_works(r);
	journal_destroy(r->j);
	r->j = NULL;
	memset(r->news_count, 0, sizeof r->news_count);
	memset(r->slots, 0, sizeof r->slots);
	memset(r->window_bytes, 0, sizeof r->window_bytes);
}

void fixture_crash(struct journal_fixture *r)
{
	fixture_close(r);
	fixture_open(r);
	fixture_audit(r);
}

void fixture_audit(struct journal_fixture *r)
{
	struct err err = { 0 };
	if (r->damaged_saga != 0)
		return; /* the audit would only report the damage that the test planted */
	long until_failure = r->store_calls_until_failure;
	r->store_calls_until_failure = 0; /* the audit's own calls succeed */
	struct memory_store_failure planned = { 0 };
	if (r->memory != NULL)
		planned = memory_store_fail(r->memory, &planned);
	if (journal_audit(r->j, &err) != 0)
		fail_msg("%s", err.text);
	r->store_calls_until_failure = until_failure;
	if (r->memory != NULL)
		memory_store_fail(r->memory, &planned);
}

int fixture_pump(struct journal_fixture *r)
{
	int sum = 0;
	int rc;
	while ((rc = journal_pump(r->j)) > 0) {
		sum += rc;
		fixture_audit(r);
	}
	if (rc == 0)
		fixture_audit(r);
	return rc < 0 ? rc : sum;
}

void fixture_wait(struct journal_fixture *r, int64_t ms)
{
	r->now_ms += ms;
	fixture_pump(r);
}

/* ---- events ---- */

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
	struct journal_fixture *r = ctx;
	r->accepted = *result;
	r->answers++;
	prepared_drop(a);
}

struct event *fixture_event(const struct journal_fixture *r, const struct fixture_event *ev)
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

struct saga_start fixture_start(const struct fixture_event *ev, struct plan *plan,
								uint8_t lanes[][LANE_BYTES])
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

int fixture_submit(struct journal_fixture *r, const struct fixture_event *ev)
{
	struct prepared *p = mem_zalloc(sizeof *p);
	p->plan = ev->quarantined || ev->unrouted ? plan_empty() : plan_ref(r->plan);
	p->accept.kind = ev->related ? ACCEPT_RELATED : ACCEPT_SAGA;
	p->accept.event = fixture_event(r, ev);
	p->accept.start = fixture_start(ev, p->plan, p->lanes);
	/* the texts of the event are valid until the accept is answered */
	p->accept.start.event_id = p->accept.event->f.event_id.p;
	if (ev->gift != NULL)
		p->accept.start.gift = p->accept.event->f.gift.p;
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

int64_t fixture_accept(struct journal_fixture *r, const struct fixture_event *ev)
{
	unsigned before = r->answers;
	r->accepted = (struct accept_result){ .code = ERR_STALE };
	assert_int_equal(fixture_submit(r, ev), 0);
	assert_int_equal(fixture_pump(r), 1);
	assert_int_equal(r->answers, before + 1);
	return r->accepted.saga;
}

int64_t fixture_accept_id(struct journal_fixture *r, const char *id)
{
	return fixture_accept(r, &(struct fixture_event){ .id = id });
}

/* ---- works ---- */

static struct work *find(const struct journal_fixture *r, enum work_kind kind, int64_t saga,
						 enum fixture_target target)
{
	struct work *w;
	STAILQ_FOREACH(w, &r->works, link)
	{
		if (w->kind == kind && w->saga == saga && w->target == target)
			return w;
	}
	return NULL;
}

bool fixture_has(const struct journal_fixture *r, enum work_kind kind, int64_t saga,
				 enum fixture_target target)
{
	return find(r, kind, saga, target) != NULL;
}

unsigned fixture_work_count(const struct journal_fixture *r)
{
	unsigned count = 0;
	struct work *w;
	STAILQ_FOREACH(w, &r->works, link)
	count++;
	return count;
}

struct work *fixture_take(struct journal_fixture *r, enum work_kind kind, int64_t saga,
						  enum fixture_target target)
{
	struct work *w = find(r, kind, saga, target);
	if (w == NULL)
		fail_msg("no work of kind %d for saga %lld at target %d", (int)kind, (long long)saga, (int)target);
	STAILQ_REMOVE(&r->works, w, work, link);
	return w;
}

void fixture_outcome(struct journal_fixture *r, struct work *w, enum outcome_class result)
{
	struct outcome o = { .result = result, .effect_sent = result != OUTCOME_UNREACHABLE, .status = 200 };
	if (result == OUTCOME_OK && w->ref.direction == DIRECTION_DO)
		o.result_json = "{\"id\":\"R-1\"}";
	if (result != OUTCOME_OK)
		o.detail = "as the test wants it";
	journal_outcome(r->j, w, &o, NULL);
	fixture_pump(r);
}

void fixture_finish(struct journal_fixture *r, int64_t saga, enum fixture_target target,
					enum outcome_class result)
{
	fixture_outcome(r, fixture_take(r, WORK_START, saga, target), result);
}

void fixture_claim(struct journal_fixture *r, enum fixture_target target, uint32_t max)
{
	journal_claim(r->j, (uint32_t)target, max);
	r->news[target] = (struct target_news){ 0 };
	int handled = fixture_pump(r);
	if (r->failures > 0)
		return; /* a store that fails on purpose: the journal has ended */
	assert_int_equal(handled, 1);
	assert_true(r->news[target].claim_done);
	assert_true(r->news[target].claim_granted <= max);
}

/* ---- people ---- */

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct journal_fixture *r = ctx;
	r->verb = *result;
	r->verb_answers++;
}

int fixture_verb(struct journal_fixture *r, int64_t saga, enum verb verb, int step)
{
	struct verb_call call = { .verb = verb, .step = step, .actor = "uid 7 (ada)", .note = "a test" };
	unsigned before = r->verb_answers;
	assert_int_equal(journal_verb(r->j, saga, &call, r, verb_done), 0);
	assert_int_equal(fixture_pump(r), 1);
	assert_int_equal(r->verb_answers, before + 1);
	return r->verb.code;
}

void fixture_target_act(struct journal_fixture *r, const char *name, enum target_action action)
{
	assert_int_equal(journal_target_act(r->j, name, action, "uid 7 (ada)", "a test", r, verb_done), 0);
	assert_int_equal(fixture_pump(r), 1);
}
