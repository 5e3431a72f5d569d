#include "saga/model/plan.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/mem.h"
#include "saga/model/plan_json.h"

struct plan_block {
	struct plan plan; /* the plan is the first member: a struct plan * is a struct plan_block * */
	atomic_uint refs;
};

static struct plan_block *block_of(struct plan *p)
{
	return (struct plan_block *)(void *)p;
}

static void plan_destroy(struct plan *p)
{
	for (unsigned i = 0; i < p->step_count; i++) {
		free(p->steps[i].name);
		free(p->steps[i].target);
		free(p->steps[i].when);
	}
	free(p->route);
	free(p->json);
	free(block_of(p));
}

/* The error texts are for the author of the configuration: a draft comes from a route. */
static int check_step(const struct plan *draft, unsigned i, struct err *err)
{
	const struct plan_step *st = &draft->steps[i];
	if (st->name == NULL || st->name[0] == '\0' || st->target == NULL || st->target[0] == '\0')
		return err_set(err, ERR_INVALID, "step %u has no name or no target", i + 1);
	if (plan_find_step(draft, st->name) != (int)i)
		return err_set(err, ERR_INVALID, "two steps are named \"%s\"; give one of them a \"name\" of its own",
					   st->name);
	if (((uint64_t)st->after >> draft->step_count) != 0)
		return err_set(err, ERR_INVALID, "step \"%s\" comes after a step that does not exist", st->name);
	if (st->expire_ms < 0)
		return err_set(err, ERR_INVALID, "step \"%s\" expires before it begins", st->name);
	return 0;
}

/* Resolves, round by round, the steps whose predecessors are all resolved. A step that is never resolved
 * comes, directly or through others, after itself. */
static int check_order(const struct plan *draft, struct err *err)
{
	uint32_t resolved = 0;
	for (unsigned round = 0; round < draft->step_count; round++) {
		for (unsigned i = 0; i < draft->step_count; i++) {
			if ((draft->steps[i].after & ~resolved) == 0)
				resolved |= UINT32_C(1) << i;
		}
	}
	for (unsigned i = 0; i < draft->step_count; i++) {
		if ((resolved >> i & 1) == 0)
			return err_set(err, ERR_INVALID, "step \"%s\" comes, by way of \"after\", after itself",
						   draft->steps[i].name);
	}
	return 0;
}

static int check_draft(const struct plan *draft, struct err *err)
{
	if (draft->step_count > PLAN_STEPS_MAX)
		return err_set(err, ERR_TOO_BIG, "%u steps; a route has at most %d", draft->step_count,
					   PLAN_STEPS_MAX);
	if ((unsigned)draft->policy >= POLICY_COUNT)
		return err_set(err, ERR_INVALID, "unknown failure policy %d", (int)draft->policy);
	for (unsigned i = 0; i < draft->step_count; i++) {
		int rc = check_step(draft, i, err);
		if (rc != 0)
			return rc;
	}
	return check_order(draft, err);
}

/* A copy with its own texts and one reference, without json and digest. */
static struct plan *plan_copy(const struct plan *draft)
{
	struct plan_block *block = mem_zalloc(sizeof *block);
	struct plan *p = &block->plan;
	atomic_init(&block->refs, 1);
	p->route = mem_strdup(draft->route != NULL ? draft->route : "");
	p->policy = draft->policy;
	p->step_count = draft->step_count;
	for (unsigned i = 0; i < p->step_count; i++) {
		p->steps[i] = draft->steps[i];
		p->steps[i].name = mem_strdup(draft->steps[i].name);
		p->steps[i].target = mem_strdup(draft->steps[i].target);
		p->steps[i].when = draft->steps[i].when != NULL ? mem_strdup(draft->steps[i].when) : NULL;
	}
	return p;
}

/* The digest is that of the JSON text: equal plans of different configurations are stored once. */
int plan_create(const struct plan *draft, struct plan **ret, struct err *err)
{
	int rc = check_draft(draft, err);
	if (rc != 0)
		return rc;
	struct plan *p = plan_copy(draft);
	p->json = plan_json_text(p);
	if (p->json == NULL) {
		plan_destroy(p);
		return err_set(err, ERR_INVALID, "a name of the route or of one of its steps is not valid UTF-8");
	}
	digest_bytes(p->json, strlen(p->json), p->digest);
	*ret = p;
	return 0;
}

struct plan *plan_empty(void)
{
	const struct plan draft = { .policy = POLICY_CONTINUE };
	struct plan *p = NULL;
	int rc = plan_create(&draft, &p, NULL);
	assert(rc == 0);
	return p;
}

struct plan *plan_ref(struct plan *p)
{
	unsigned before = atomic_fetch_add_explicit(&block_of(p)->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return p;
}

void plan_unref(struct plan *p)
{
	if (p == NULL)
		return;
	unsigned before = atomic_fetch_sub_explicit(&block_of(p)->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before == 1)
		plan_destroy(p);
}

int plan_find_step(const struct plan *p, const char *name)
{
	assert(p->step_count <= PLAN_STEPS_MAX);
	for (unsigned i = 0; i < p->step_count; i++) {
		if (p->steps[i].name != NULL && strcmp(p->steps[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}
