#include "gateway/expr/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/number.h"
#include "saga/base/mem.h"

/* ---- to libjq ---- */

static jv to_jv(const json_t *value, unsigned depth);

static jv integer_to_jv(json_int_t value)
{
	if (value <= NUMBER_SAFE_INT && value >= -NUMBER_SAFE_INT)
		return jv_number((double)value);
	char text[NUMBER_TEXT_BYTES];
	snprintf(text, sizeof text, "%lld", (long long)value);
	return jv_string(text);
}

/* Returns an invalid value, like array_to_jv, when a part is nested too deep. */
static jv object_to_jv(const json_t *object, unsigned depth)
{
	jv out = jv_object();
	/* jansson's iterator takes a non-const object but does not change it. */
	json_t *mutable_object = (json_t *)(uintptr_t)object;
	for (void *it = json_object_iter(mutable_object); it != NULL;
		 it = json_object_iter_next(mutable_object, it)) {
		jv member = to_jv(json_object_iter_value(it), depth + 1);
		if (!jv_is_valid(member)) {
			jv_free(out);
			return member;
		}
		out = jv_object_set(out, jv_string(json_object_iter_key(it)), member);
	}
	return out;
}

static jv array_to_jv(const json_t *array, unsigned depth)
{
	size_t count = json_array_size(array);
	jv out = jv_array_sized((int)count);
	for (size_t i = 0; i < count; i++) {
		jv element = to_jv(json_array_get(array, i), depth + 1);
		if (!jv_is_valid(element)) {
			jv_free(out);
			return element;
		}
		out = jv_array_append(out, element);
	}
	return out;
}

/* The depth is limited because libjq frees nested values by recursion. Returns an invalid value beyond the
 * limit. */
static jv to_jv(const json_t *value, unsigned depth)
{
	if (depth > EXPR_DEPTH_MAX)
		return jv_invalid();
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return object_to_jv(value, depth);
	case JSON_ARRAY:
		return array_to_jv(value, depth);
	case JSON_STRING:
		return jv_string_sized(json_string_value(value), (int)json_string_length(value));
	case JSON_INTEGER:
		return integer_to_jv(json_integer_value(value));
	case JSON_REAL:
		return jv_number(json_real_value(value));
	case JSON_TRUE:
		return jv_true();
	case JSON_FALSE:
		return jv_false();
	case JSON_NULL:
	default:
		return jv_null();
	}
}

void expr_input_init(struct expr_input *in, json_t *root)
{
	*in = (struct expr_input){ .root = root };
}

void expr_input_finish(struct expr_input *in)
{
	jv *converted = in->converted;
	if (converted != NULL)
		jv_free(*converted);
	free(converted);
	in->converted = NULL;
}

int convert_input(struct expr_input *in, jv *ret, struct err *err)
{
	jv *converted = in->converted;
	if (converted == NULL) {
		jv value = to_jv(in->root, 0);
		if (!jv_is_valid(value))
			return err_set(err, ERR_INVALID, "the value is nested deeper than %d levels", EXPR_DEPTH_MAX);
		converted = mem_alloc(sizeof *converted);
		*converted = value;
		in->converted = converted;
	}
	*ret = jv_copy(*converted);
	return 0;
}

/* ---- from libjq: these functions borrow the value ---- */

static json_t *from_jv(jv value, unsigned depth);

static json_t *number_from_jv(double value)
{
	if (!isfinite(value))
		return json_null(); /* JSON has no NaN and no infinity; jq prints NaN as null */
	if (value == trunc(value) && fabs(value) <= (double)NUMBER_SAFE_INT)
		return json_integer((json_int_t)value);
	return json_real(value);
}

static json_t *string_from_jv(jv value)
{
	return json_stringn(jv_string_value(value), (size_t)jv_string_length_bytes(jv_copy(value)));
}

/* The functions of libjq consume their arguments: jv_copy adds the reference that they consume. */
static json_t *array_from_jv(jv value, unsigned depth)
{
	json_t *out = json_array();
	int count = jv_array_length(jv_copy(value));
	for (int i = 0; i < count; i++) {
		jv element = jv_array_get(jv_copy(value), i);
		json_t *converted_value = from_jv(element, depth + 1);
		jv_free(element);
		if (converted_value == NULL || json_array_append_new(out, converted_value) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* NULL when a member's name contains a NUL character: jansson would cut it short, and it might then equal
 * another. */
static json_t *object_from_jv(jv value, unsigned depth)
{
	json_t *out = json_object();
	for (int it = jv_object_iter(value); jv_object_iter_valid(value, it);
		 it = jv_object_iter_next(value, it)) {
		jv key = jv_object_iter_key(value, it);
		jv member = jv_object_iter_value(value, it);
		json_t *converted_value = from_jv(member, depth + 1);
		const char *name = jv_string_value(key);
		bool no_nul = strlen(name) == (size_t)jv_string_length_bytes(jv_copy(key));
		int rc = converted_value != NULL && no_nul ? json_object_set_new(out, name, converted_value)
												   : (json_decref(converted_value), -1);
		jv_free(key);
		jv_free(member);
		if (rc != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* NULL when a part is nested too deep, or its name cannot be kept. */
static json_t *from_jv(jv value, unsigned depth)
{
	if (depth > EXPR_DEPTH_MAX)
		return NULL;
	switch (jv_get_kind(value)) {
	case JV_KIND_TRUE:
		return json_true();
	case JV_KIND_FALSE:
		return json_false();
	case JV_KIND_NUMBER:
		return number_from_jv(jv_number_value(value));
	case JV_KIND_STRING:
		return string_from_jv(value);
	case JV_KIND_ARRAY:
		return array_from_jv(value, depth);
	case JV_KIND_OBJECT:
		return object_from_jv(value, depth);
	case JV_KIND_INVALID:
	case JV_KIND_NULL:
	default:
		return json_null();
	}
}

int convert_result(jv value, json_t **ret, struct err *err)
{
	json_t *converted_value = from_jv(value, 0);
	jv_free(value);
	if (converted_value == NULL)
		return err_set(
			err, ERR_INVALID,
			"the result is nested deeper than %d levels, or a member's name contains a NUL character",
			EXPR_DEPTH_MAX);
	*ret = converted_value;
	return 0;
}
