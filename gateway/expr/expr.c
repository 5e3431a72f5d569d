#include "gateway/expr/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/compare.h"
#include "gateway/expr/convert.h"
#include "gateway/expr/number.h"
#include "gateway/expr/path.h"
#include "gateway/expr/program.h"
#include "saga/base/digest.h"
#include "saga/base/mem.h"

struct expr {
	char *text;
	bool is_path;
	bool is_comparison; /* `compare` is valid: expr_eval_bool needs no libjq */
	struct path path;
	struct compare compare;
	uint8_t key[PROGRAM_KEY_BYTES]; /* digest of the text: identifies the program in each thread's cache */
};

struct expr *expr_create(const char *text)
{
	struct expr *e = mem_zalloc(sizeof *e);
	e->text = mem_strdup(text);
	e->is_path = path_parse(text, &e->path);
	e->is_comparison = !e->is_path && compare_parse(text, &e->compare);
	uint8_t digest[DIGEST_BYTES];
	digest_bytes(text, strlen(text), digest);
	memcpy(e->key, digest, sizeof e->key);
	return e;
}

void expr_destroy(struct expr *e)
{
	if (e == NULL)
		return;
	path_finish(&e->path);
	if (e->is_comparison)
		compare_finish(&e->compare);
	free(e->text);
	free(e);
}

const char *expr_text(const struct expr *e)
{
	return e->text;
}

bool expr_is_identity(const struct expr *e)
{
	return e->is_path && e->path.count == 0;
}

int expr_check(const char *text, struct err *err)
{
	struct path path;
	if (path_parse(text, &path)) {
		path_finish(&path);
		return 0;
	}
	return program_check(text, err);
}

int expr_check_hook(void *ctx, const char *text, struct err *err)
{
	(void)ctx;
	return expr_check(text, err);
}

/* This function leaves comparisons to libjq; only expr_eval_bool evaluates comparisons itself. */
int expr_eval_json(const struct expr *e, struct expr_input *in, json_t **ret, struct err *err)
{
	if (e->is_path) {
		json_t *found;
		int rc = path_get(&e->path, in->root, &found, err);
		if (rc == 0)
			*ret = json_incref(found);
		return rc;
	}
	jv value;
	int rc = program_run(e->key, e->text, in, &value, err);
	if (rc != 0)
		return rc;
	if (!jv_is_valid(value)) {
		jv_free(value);
		*ret = NULL;
		return 0;
	}
	return convert_result(value, ret, err);
}

/* Most conditions are paths or comparisons, which need no libjq. */
int expr_eval_bool(const struct expr *e, struct expr_input *in, bool *ret, struct err *err)
{
	if (e->is_path) {
		json_t *found;
		int rc = path_get(&e->path, in->root, &found, err);
		if (rc == 0)
			*ret = found != NULL && !json_is_null(found) && !json_is_false(found);
		return rc;
	}
	if (e->is_comparison)
		return compare_evaluate(&e->compare, in->root, ret, err);
	jv value;
	int rc = program_run(e->key, e->text, in, &value, err);
	if (rc != 0)
		return rc;
	jv_kind kind = jv_get_kind(value);
	*ret = kind != JV_KIND_INVALID && kind != JV_KIND_NULL && kind != JV_KIND_FALSE;
	jv_free(value);
	return 0;
}

/* Numbers are written as number.h writes them, so that an amount that is not exact shows all its digits. */
static int add_text(const json_t *value, struct buf *to, bool *ret_present, struct err *err)
{
	char number[NUMBER_TEXT_BYTES];
	switch (json_typeof(value)) {
	case JSON_STRING:
		buf_add(to, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buf_printf(to, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		number_shortest(json_real_value(value), number);
		buf_text(to, number);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_text(to, json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		*ret_present = false;
		return 0;
	case JSON_OBJECT:
	case JSON_ARRAY:
	default:
		return err_set(err, ERR_INVALID, "the value is an %s; a text, number or boolean is expected",
					   json_is_object(value) ? "object" : "array");
	}
	*ret_present = true;
	return 0;
}

int expr_eval_text(const struct expr *e, struct expr_input *in, struct buf *to, bool *ret_present,
				   struct err *err)
{
	json_t *value = NULL;
	int rc = expr_eval_json(e, in, &value, err);
	if (rc != 0)
		return rc;
	if (value == NULL) {
		*ret_present = false;
		return 0;
	}
	rc = add_text(value, to, ret_present, err);
	json_decref(value);
	return rc;
}
