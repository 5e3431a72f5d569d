#include "gateway/intake/rules.h"

#include <stdlib.h>

#include "saga/base/mem.h"

static struct expr *optional_expr(const char *text)
{
	return text != NULL ? expr_create(text) : NULL;
}

static struct expr **expr_list(const struct config_list *list)
{
	struct expr **made = mem_zalloc((list->count + 1) * sizeof *made);
	for (size_t i = 0; i < list->count; i++)
		made[i] = expr_create(list->items[i]);
	return made;
}

static void expr_list_destroy(struct expr **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expr_destroy(list[i]);
	free(list);
}

/* ---- sources ---- */

static int source_make(const struct config_source *config, struct source_rules *to, struct err *err)
{
	*to = (struct source_rules){
		.config = config,
		.map = expr_create(config->map != NULL ? config->map : "."),
		.event_id = optional_expr(config->event_id),
		.gift = optional_expr(config->gift),
		.gift_made = optional_expr(config->gift_made),
		.related = optional_expr(config->related),
		.dedup = expr_list(&config->dedup),
		.dedup_count = config->dedup.count,
	};
	int rc = verify_create(&config->verify, config->secrets, config->secret_count, &to->verifier, err);
	return rc != 0 ? err_wrap(err, rc, "source %s", config->name) : 0;
}

static void source_finish(struct source_rules *s)
{
	verify_destroy(s->verifier);
	expr_destroy(s->map);
	expr_destroy(s->event_id);
	expr_destroy(s->gift);
	expr_destroy(s->gift_made);
	expr_destroy(s->related);
	expr_list_destroy(s->dedup, s->dedup_count);
}

/* ---- routes ---- */

static enum policy policy_of(enum config_on_failure on_failure)
{
	static const enum policy policies[] = {
		[CONFIG_FAILURE_CONTINUE] = POLICY_CONTINUE,
		[CONFIG_FAILURE_HOLD] = POLICY_HOLD,
		[CONFIG_FAILURE_COMPENSATE] = POLICY_COMPENSATE,
	};
	return policies[on_failure];
}

/* A step's own condition is evaluated by intake only if the step can start at once; the plan carries the
 * text of all. */
static int route_make(const struct config *config, const struct config_route *route, struct route_rules *to,
					  struct err *err)
{
	*to = (struct route_rules){ .config = route, .where = optional_expr(route->where) };
	struct plan draft = { .route = route->name,
						  .policy = policy_of(route->on_failure),
						  .step_count = (unsigned)route->step_count };
	for (size_t i = 0; i < route->step_count; i++) {
		const struct config_step *step = &route->steps[i];
		draft.steps[i] = (struct plan_step){ .name = step->name,
											 .target = config->targets[step->target].name,
											 .after = step->after,
											 .when = step->when,
											 .expire_ms = step->expire_ms,
											 .undo_none = step->undo_none };
		if (step->after == 0)
			to->when[i] = optional_expr(step->when);
	}
	int rc = plan_create(&draft, &to->plan, err);
	return rc != 0 ? err_wrap(err, rc, "route %s", route->name) : 0;
}

static void route_finish(struct route_rules *r)
{
	expr_destroy(r->where);
	for (size_t i = 0; i < CONFIG_STEPS_MAX; i++)
		expr_destroy(r->when[i]);
	plan_unref(r->plan);
}

/* ---- all rules ---- */

/* Frees rules, also rules that rules_fill left incomplete after an error: members that were not filled are
 * zero. */
static void rules_destroy(struct rules *r)
{
	for (size_t i = 0; i < r->config->source_count; i++)
		source_finish(&r->sources[i]);
	for (size_t i = 0; i < r->config->route_count; i++)
		route_finish(&r->routes[i]);
	for (size_t i = 0; i < r->config->target_count; i++)
		expr_list_destroy(r->lane_rules[i].by, r->lane_rules[i].count);
	free(r->sources);
	free(r->routes);
	free(r->lane_rules);
	plan_unref(r->empty);
	config_unref(r->config);
	free(r);
}

static int rules_fill(struct rules *r, struct err *err)
{
	const struct config *config = r->config;
	int rc = 0;
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_order *order = &config->targets[i].order;
		r->lane_rules[i] = (struct lane_rule){ .standard = order->standard,
											   .by = expr_list(&order->by),
											   .count = order->by.count };
	}
	for (size_t i = 0; i < config->source_count && rc == 0; i++)
		rc = source_make(&config->sources[i], &r->sources[i], err);
	for (size_t i = 0; i < config->route_count && rc == 0; i++)
		rc = route_make(config, &config->routes[i], &r->routes[i], err);
	return rc;
}

int rules_create(struct config *config, struct rules **ret, struct err *err)
{
	struct rules *r = mem_zalloc(sizeof *r);
	*r = (struct rules){ .config = config_ref(config), .empty = plan_empty(), .references = 1 };
	r->sources = mem_zalloc((config->source_count + 1) * sizeof *r->sources);
	r->routes = mem_zalloc((config->route_count + 1) * sizeof *r->routes);
	r->lane_rules = mem_zalloc((config->target_count + 1) * sizeof *r->lane_rules);
	int rc = rules_fill(r, err);
	if (rc != 0) {
		rules_unref(r);
		return rc;
	}
	*ret = r;
	return 0;
}

struct rules *rules_ref(struct rules *r)
{
	__atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
	return r;
}

void rules_unref(struct rules *r)
{
	if (r != NULL && __atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL) == 0)
		rules_destroy(r);
}
