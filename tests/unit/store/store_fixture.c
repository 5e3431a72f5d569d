#include "tests/unit/store/store_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/model/figure_ids.h"
#include "tests/unit/store/cmocka_all.h"

void must_at(int rc, const struct err *err, const char *file, int line)
{
	if (rc == 0)
		return;
	print_error("%s: %s\n", err_code_text(rc), err->text);
	_fail(file, line);
}

/* ---- the fixture ---- */

static void fixture_open(struct store_fixture *f)
{
	must(f->factory->open(f->factory->ctx, &f->l.w, &f->err), &f->err);
	struct store_head head;
	must(f->l.w.head(f->l.w.ctx, &head, &f->err), &f->err);
	f->l.saga = head.last_saga;
	f->l.chain = head.chain;
	f->l.number = head.chain.last;
	store_figures_free(&head.figures);
}

int fixture_setup(void **state)
{
	const struct store_factory *factory = *state;
	struct store_fixture *f = mem_zalloc(sizeof *f);
	f->factory = factory;
	factory->fresh(factory->ctx);
	fixture_open(f);
	*state = f;
	return 0;
}

void fixture_close(struct store_fixture *f)
{
	if (f->l.w.ctx != NULL)
		f->l.w.close(f->l.w.ctx);
	f->l.w.ctx = NULL;
	if (f->l.open != NULL) {
		uint8_t unused[32];
		store_chain_end(f->l.open, unused);
		f->l.open = NULL;
	}
}

void fixture_reopen(struct store_fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

int fixture_teardown(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	buf_free(&f->l.marks);
	free(f);
	return 0;
}

struct store_reader fixture_reader(struct store_fixture *f)
{
	struct store_reader r;
	must(f->factory->open_reader(f->factory->ctx, &r, &f->err), &f->err);
	return r;
}

/* ---- values ---- */

struct plan *plan_of(const char *const *targets, unsigned count)
{
	struct plan draft = { .step_count = count };
	char *route AUTO_FREE = mem_strdup("gifts");
	char *names[PLAN_STEPS_MAX] = { 0 };
	draft.route = route;
	for (unsigned i = 0; i < count; i++) {
		names[i] = mem_strdup(targets[i]);
		draft.steps[i] = (struct plan_step){ .name = names[i], .target = names[i] };
	}
	struct plan *plan = NULL;
	struct err err = { 0 };
	must(plan_create(&draft, &plan, &err), &err);
	for (unsigned i = 0; i < count; i++)
		free(names[i]);
	return plan;
}

struct step step_done(void)
{
	return (struct step){ .state = STEP_SUCCEEDED,
						  .last = OUTCOME_OK,
						  .took_effect = true,
						  .generation = 1,
						  .attempts = 1,
						  .spent = 1,
						  .last_ms = T0 + 50 };
}

struct step step_running(void)
{
	return (struct step){ .state = STEP_RUNNING,
						  .why = WHY_CALL,
						  .location = LOCATION_ENGINE,
						  .generation = 1,
						  .attempts = 1,
						  .spent = 1 };
}

struct step step_on_disk(enum why why, int64_t due_ms)
{
	return (struct step){ .state = why == WHY_DUE ? STEP_RETRY_WAIT : STEP_READY,
						  .why = (uint8_t)why,
						  .location = LOCATION_DISK,
						  .last = why == WHY_DUE ? OUTCOME_UNREACHABLE : OUTCOME_NONE,
						  .generation = 1,
						  .attempts = why == WHY_DUE ? 1 : 0,
						  .due_ms = due_ms };
}

struct step step_attention(enum reason reason, enum outcome_class last)
{
	bool doubt = reason == REASON_IN_DOUBT;
	return (struct step){ .state = STEP_ATTENTION,
						  .why = WHY_ATTENTION,
						  .reason = (uint8_t)reason,
						  .last = (uint8_t)last,
						  .effect_possible = doubt,
						  .effect_possible_ms = doubt ? T0 : 0,
						  .generation = 1,
						  .attempts = 1,
						  .spent = 1 };
}

static const char * or (const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

struct saga *sample_saga(const struct sample_saga *sample)
{
	struct plan *plan = sample->plan != NULL ? plan_ref(sample->plan) : plan_empty();
	struct saga_start start = { .plan = plan,
								.source = or (sample->source, "forms"),
								.event_id = or (sample->event_id, "evt_1"),
								.type = "donation.created",
								.gift = or (sample->gift, ""),
								.donor = or (sample->donor, ""),
								.note = "",
								.now_ms = sample->created_ms != 0 ? sample->created_ms : T0,
								.unrouted = sample->unrouted,
								.own_reason = sample->own_reason };
	struct saga *s = saga_create(&start);
	plan_unref(plan);
	s->cancelled = sample->cancelled;
	s->paused = sample->paused;
	for (unsigned i = 0; i < s->step_count; i++)
		s->steps[i] = sample->steps[i].generation != 0 ? sample->steps[i] : step_done();
	enum reason reason = REASON_NONE;
	s->state = (uint8_t)saga_derive_state(s, &reason);
	s->reason = (uint8_t)reason;
	const char *broken = saga_check(s);
	if (broken != NULL)
		print_error("the sample is not sound: %s\n", broken);
	assert_null(broken);
	return s;
}

struct event *sample_event(const struct sample_saga *sample)
{
	struct event_fields f = { .source = str_of(or (sample->source, "forms")),
							  .event_id = str_of(or (sample->event_id, "evt_1")),
							  .type = STR("donation.created"),
							  .gift = str_of(or (sample->gift, "")),
							  .donor = str_of(or (sample->donor, "")),
							  .content_type = STR("application/json"),
							  .raw = STR("{\"raw\":\"\0with a zero\"}"),
							  .canonical = STR("{\"id\":\"1\"}") };
	return event_create(&f, T0 - 5);
}

/* ---- writing ---- */

void fixture_begin(struct fixture_writer *l)
{
	struct err err = { 0 };
	must(l->w.begin(l->w.ctx, &err), &err);
	store_chain_begin(&l->open, l->chain.digest);
}

static void append_row(struct fixture_writer *l, enum subject subject, int64_t id,
					   const struct records *records)
{
	struct err err = { 0 };
	struct log_row row = { .number = ++l->number,
						   .commit = l->chain.commit + 1,
						   .subject = subject,
						   .subject_id = id,
						   .at_ms = records->at_ms,
						   .head = buf_str(&records->head),
						   .personal = buf_str(&records->personal) };
	if (row.personal.len > 0) {
		entropy_bytes(row.salt, sizeof row.salt);
		store_personal_digest(row.salt, row.personal, row.personal_digest);
	}
	must(l->w.log_append(l->w.ctx, &row, &err), &err);
	store_chain_row(l->open, &row);
}

void fixture_log(struct fixture_writer *l, enum subject subject, int64_t id, const struct record *record)
{
	struct records records = { 0 };
	records_add(&records, record);
	append_row(l, subject, id, &records);
	records_free(&records);
}

void fixture_commit(struct fixture_writer *l)
{
	struct err err = { 0 };
	l->chain.commit++;
	l->chain.first = l->chain.last + 1;
	l->chain.last = l->number;
	l->chain.at_ms = T0;
	if (l->chain.counters.len == 0) /* no figure has changed */
		l->chain.counters = store_commit_is_full(l->chain.commit) ? STR("\1") : STR("\2");
	store_chain_figures(l->open, &l->chain);
	store_chain_end(l->open, l->chain.digest);
	l->open = NULL;
	must(l->w.chain_append(l->w.ctx, &l->chain, &err), &err);
	l->chain.counters = l->chain.marks = (struct str){ 0 };
	must(l->w.commit(l->w.ctx, &err), &err);
}

static enum saga_index index_of(const struct saga *s)
{
	if (saga_is_live(s))
		return SAGA_INDEX_LIVE;
	return saga_state_at_rest((enum saga_state)s->state) ? SAGA_INDEX_NONE : SAGA_INDEX_OPEN;
}

static void add_value(struct records *records, const struct saga *s, const uint8_t salt[SAGA_SALT_BYTES],
					  struct str core)
{
	uint8_t digest[SAGA_DIGEST_BYTES];
	saga_value_digest(salt, s->plan, core, digest);
	records_add(records, &(struct record){ .kind = RECORD_VALUE,
										   .at_ms = records->at_ms,
										   .step = RECORD_NO_STEP,
										   .digest = { (const char *)digest, sizeof digest } });
}

/* Writes the saga and a log row with this record. As in the journal's commits the value names the row, and the
 * row has the digest of the value. `row` has the salt. */
static void saga_write(struct fixture_writer *l, struct saga *s, struct saga_row *row,
					   const struct record *record, bool left_out, bool fresh)
{
	struct err err = { 0 };
	struct buf AUTO_BUF value = { 0 };
	struct records records = { 0 };
	records_add(&records, record);
	saga_rows_add(&s->rows, l->number + 1, &records, record->at_ms);
	size_t core = saga_encode(s, &value);
	add_value(&records, s, row->salt, (struct str){ value.data + core, value.len - core });
	append_row(l, SUBJECT_SAGA, s->id, &records);
	records_free(&records);
	row->id = s->id;
	row->state = s->state;
	row->index = (uint8_t)(left_out ? SAGA_INDEX_NONE : index_of(s));
	row->created_ms = s->created_ms;
	row->value = buf_str(&value);
	must(l->w.plan_put(l->w.ctx, s->plan, &row->plan, &err), &err);
	must(fresh ? l->w.saga_insert(l->w.ctx, row, &err) : l->w.saga_update(l->w.ctx, row, &err), &err);
}

static void rows_write(struct fixture_writer *l, const struct saga *s)
{
	struct err err = { 0 };
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		struct step_row row = { .saga = s->id,
								.step = (uint16_t)i,
								.target = i + 1,
								.why = st->why,
								.due_ms = st->due_ms,
								.since_ms = s->created_ms };
		if (st->location == LOCATION_DISK)
			must(l->w.row_put(l->w.ctx, &row, &err), &err);
	}
}

void fixture_mark(struct fixture_writer *l, int64_t low, int64_t reach)
{
	struct tally marks = { 0 };
	tally_add(&marks, figure_of_mark(0, MARK_LOW), low);
	tally_add(&marks, figure_of_mark(0, MARK_REACH), reach);
	buf_clear(&l->marks);
	tally_full(&marks, &l->marks);
	l->chain.marks = buf_str(&l->marks);
	tally_free(&marks);
}

int64_t fixture_add(struct fixture_writer *l, const struct sample_saga *sample)
{
	struct err err = { 0 };
	struct saga *s = sample_saga(sample);
	struct event *event = sample_event(sample);
	s->id = ++l->saga;
	uint8_t key[STORE_KEY_BYTES];
	int64_t owner = 0;
	store_event_key(s->source, s->event_id, key);
	must(l->w.key_claim(l->w.ctx, key, s->id, 19000, &owner, &err), &err);
	must(l->w.event_insert(l->w.ctx, s->id, event, &err), &err);
	struct record record = { .kind = RECORD_ACCEPTED,
							 .at_ms = T0,
							 .step = RECORD_NO_STEP,
							 .digest = { (const char *)event->digest, sizeof event->digest },
							 .text = STR("gifts"),
							 .personal = STR("somebody") };
	struct saga_row row = { 0 };
	entropy_bytes(row.salt, sizeof row.salt);
	saga_write(l, s, &row, &record, sample->left_out, true);
	rows_write(l, s);
	event_unref(event);
	saga_destroy(s);
	return l->saga;
}

int64_t fixture_put(struct fixture_writer *l, const struct sample_saga *s)
{
	fixture_begin(l);
	int64_t id = fixture_add(l, s);
	fixture_commit(l);
	return id;
}

void fixture_update(struct fixture_writer *l, int64_t id, const struct sample_saga *sample)
{
	struct err err = { 0 };
	struct saga_row row;
	fixture_begin(l);
	struct saga *s = sample_saga(sample);
	s->id = id;
	must(l->w.saga_get(l->w.ctx, id, &row, &err), &err);
	must(saga_rows_of(row.value, &s->rows, &err), &err);
	struct record record = { .kind = RECORD_SAGA, .at_ms = T0 + 9, .step = RECORD_NO_STEP, .to = s->state };
	saga_write(l, s, &row, &record, sample->left_out, false);
	saga_destroy(s);
	fixture_commit(l);
}

void fixture_record(struct fixture_writer *l, int64_t id, const struct record *record)
{
	struct err err = { 0 };
	struct saga_row row;
	struct plan *plan = NULL;
	struct saga *s = NULL;
	must(l->w.saga_get(l->w.ctx, id, &row, &err), &err);
	struct buf AUTO_BUF value = { 0 };
	buf_add(&value, row.value.p, row.value.len); /* reading the plan is the next call */
	must(l->w.plan_get(l->w.ctx, row.plan, &plan, &err), &err);
	must(saga_decode(id, plan, buf_str(&value), &s, &err), &err);
	saga_write(l, s, &row, record, row.index == SAGA_INDEX_NONE, false);
	saga_destroy(s);
	plan_unref(plan);
}

void fixture_put_many(struct fixture_writer *l, int count)
{
	struct sample_saga s = { .unrouted = true };
	fixture_begin(l);
	for (int i = 0; i < count; i++)
		(void)fixture_add(l, &s);
	fixture_commit(l);
}
