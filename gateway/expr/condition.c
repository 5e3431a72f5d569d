#include "gateway/expr/condition.h"

#include <jansson.h>

#include "gateway/expr/expr.h"

static json_t *load_object(struct str text, const char *what, struct err *err)
{
	json_error_t fault;
	json_t *value = json_loadb(text.p, text.len, JSON_ALLOW_NUL, &fault);
	if (!json_is_object(value)) {
		json_decref(value);
		err_set(err, ERR_CORRUPT, "the %s is not a JSON object", what);
		return NULL;
	}
	return value;
}

static int eval_on(const char *program, json_t *context, bool *ret_true, struct err *err)
{
	struct expr *e = expr_create(program);
	AUTO_EXPR_INPUT struct expr_input in = { .root = context };
	int rc = expr_eval_bool(e, &in, ret_true, err);
	expr_destroy(e);
	return rc;
}

/* A program that fails is named in the error, so that the operator finds it in the configuration. */
static int eval(void *ctx, const char *program, struct str event_json, struct str steps_json, bool *ret_true,
				struct err *err)
{
	(void)ctx;
	json_t *context = load_object(event_json, "event", err);
	if (context == NULL)
		return ERR_CORRUPT;
	json_t *steps = load_object(steps_json, "list of results", err);
	int rc = steps == NULL || json_object_set_new(context, "steps", steps) != 0
				 ? ERR_CORRUPT
				 : eval_on(program, context, ret_true, err);
	json_decref(context);
	if (rc == ERR_INVALID || rc == ERR_TOO_BIG)
		return err_wrap(err, rc, "when \"%.100s\"", program);
	return rc;
}

struct condition_port condition_port_jq(void)
{
	return (struct condition_port){ .eval = eval };
}
