#include "gateway/intake/pipeline/canonical.h"

#include <string.h>

#include "gateway/expr/number.h"
#include "gateway/intake/pipeline/money.h"
#include "saga/base/clock.h"
#include "saga/base/currency.h"

struct normalization {
	json_t *event;
	bool changed;
	struct err *err;
};

static const char *json_kind_text(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};
	return value == NULL ? "missing" : names[json_typeof(value)];
}

/* Gives a member of a JSON object; NULL if the member is absent or its value is null. */
static json_t *member(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	return json_is_null(value) ? NULL : value;
}

static void set(struct normalization *m, json_t *object, const char *name, json_t *value)
{
	int rc = json_object_set_new(object, name, value);
	assert(rc == 0);
	m->changed = true;
}

/* ---- texts ---- */

static int check_text(const char *path, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	if (len > CANONICAL_TEXT_MAX)
		return err_set(err, ERR_INVALID, "%s is longer than %d bytes", path, CANONICAL_TEXT_MAX);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return err_set(err, ERR_INVALID, "%s contains a control character", path);
	}
	return 0;
}

/* Makes the member a text. An integer becomes its decimal text. An empty text and null count as absent,
 * and `hint` (or NULL) replaces them. */
static int normalize_text(struct normalization *m, json_t *object, const char *path, const char *name,
						  const char *hint)
{
	json_t *value = member(object, name);
	if (json_is_integer(value)) {
		char text[NUMBER_TEXT_BYTES];
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
		set(m, object, name, json_string(text));
		value = member(object, name);
	}
	if (value == NULL || (json_is_string(value) && json_string_length(value) == 0)) {
		json_t *made = hint != NULL && hint[0] != '\0' ? json_string(hint) : NULL;
		if (made != NULL)
			set(m, object, name, made);
		return 0;
	}
	if (!json_is_string(value))
		return err_set(m->err, ERR_INVALID,
					   "%s is %s, expected a text; let the map make it one with tostring", path,
					   json_kind_text(value));
	return check_text(path, value, m->err);
}

static int normalize_donor(struct normalization *m)
{
	json_t *donor = member(m->event, "donor");
	if (donor == NULL)
		return 0;
	if (!json_is_object(donor))
		return err_set(m->err, ERR_INVALID,
					   "donor is %s, expected an object such as {\"email\": …, \"name\": …}, or nothing",
					   json_kind_text(donor));
	int rc = normalize_text(m, donor, "donor.id", "id", NULL);
	if (rc == 0)
		rc = normalize_text(m, donor, "donor.email", "email", NULL);
	return rc;
}

/* `occurred_at`: a text stays as it is, because connectors parse it; a number of seconds becomes a text. */
static int normalize_time(struct normalization *m)
{
	json_t *at = member(m->event, "occurred_at");
	if (at == NULL || json_is_string(at))
		return 0;
	/* Most platforms send seconds since 1970; the largest value here is the end of the year 9999. */
	json_int_t seconds = json_integer_value(at);
	if (!json_is_integer(at) || seconds < 0 || seconds > INT64_C(253402300799))
		return err_set(
			m->err, ERR_INVALID,
			"occurred_at is neither a text such as 2026-11-23T22:09:00Z nor whole seconds since 1970");
	char text[CLOCK_TEXT_BYTES];
	clock_rfc3339(seconds * 1000, text);
	set(m, m->event, "occurred_at", json_string(text));
	return 0;
}

/* ---- money ---- */

/* The decimal text of a number or string; false: neither. body_parse has turned integers that do not fit
 * 64 bits into strings, so those are read exactly as well. `number` is the buffer for a text that must be
 * made. */
static bool decimal_text(const json_t *value, char number[NUMBER_TEXT_BYTES], struct str *ret)
{
	if (json_is_string(value)) {
		*ret = (struct str){ json_string_value(value), json_string_length(value) };
		return true;
	}
	if (json_is_integer(value))
		snprintf(number, NUMBER_TEXT_BYTES, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		number_shortest(json_real_value(value), number);
	else
		return false;
	*ret = str_of(number);
	return true;
}

static int read_amount(const char *path, const json_t *value, unsigned decimals, int64_t *ret,
					   struct err *err)
{
	char number[NUMBER_TEXT_BYTES];
	struct str text;
	if (!decimal_text(value, number, &text))
		return err_set(err, ERR_INVALID, "%s is %s, expected a number or a decimal text", path,
					   json_kind_text(value));
	int rc = money_parse(text, decimals, ret, err);
	return rc != 0 ? err_wrap(err, rc, "%s", path) : 0;
}

/* Checks amount.currency, writes it in upper case, and gives its number of decimals, with which the amount
 * is read. */
static int normalize_currency(struct normalization *m, json_t *amount, unsigned *ret_decimals)
{
	json_t *value = member(amount, "currency");
	char code[4];
	if (!json_is_string(value))
		return err_set(m->err, ERR_INVALID,
					   "amount.currency is %s; let the map set it, such as currency: \"EUR\"",
					   json_kind_text(value));
	struct str text = { json_string_value(value), json_string_length(value) };
	if (!currency_find(text, code, ret_decimals))
		return err_set(m->err, ERR_INVALID,
					   "amount.currency \"%.12s\" is no currency code of ISO 4217, such as EUR or USD",
					   text.p);
	if (memcmp(code, text.p, 3) != 0)
		set(m, amount, "currency", json_string(code));
	return 0;
}

/* Writes amount.minor and amount.value, each only if the event does not have that value already. */
static void put_amount(struct normalization *m, json_t *amount, int64_t minor, unsigned decimals)
{
	char text[CURRENCY_TEXT_BYTES];
	currency_text(minor, decimals, text);
	json_t *old = json_object_get(amount, "minor");
	if (!json_is_integer(old) || json_integer_value(old) != minor)
		set(m, amount, "minor", json_integer(minor));
	old = json_object_get(amount, "value");
	if (!json_is_string(old) || strcmp(json_string_value(old), text) != 0)
		set(m, amount, "value", json_string(text));
}

/* The map gives `minor`, `value` or both; both must be the same amount, or the event is quarantined. */
static int normalize_amount(struct normalization *m)
{
	json_t *amount = member(m->event, "amount");
	if (!json_is_object(amount))
		return err_set(
			m->err, ERR_INVALID,
			"amount is %s; let the map set it, such as amount: {minor: 1250, currency: \"EUR\"} or "
			"{value: \"12.50\", currency: \"EUR\"}",
			json_kind_text(amount));
	unsigned decimals = 0;
	int rc = normalize_currency(m, amount, &decimals);
	if (rc != 0)
		return rc;
	const json_t *minor = member(amount, "minor"), *value = member(amount, "value");
	if (minor == NULL && value == NULL)
		return err_set(
			m->err, ERR_INVALID,
			"amount.minor is missing; let the map set it (in the smallest unit), or amount.value in whole "
			"units");
	int64_t in_minor = 0, in_value = 0;
	if (minor != NULL)
		rc = read_amount("amount.minor", minor, 0, &in_minor, m->err);
	if (rc == 0 && value != NULL)
		rc = read_amount("amount.value", value, decimals, &in_value, m->err);
	if (rc != 0)
		return rc;
	if (minor != NULL && value != NULL && in_minor != in_value)
		return err_set(
			m->err, ERR_INVALID,
			"amount.minor and amount.value are different amounts; let the map set only one of them");
	put_amount(m, amount, minor != NULL ? in_minor : in_value, decimals);
	return 0;
}

/* ---- the whole ---- */

static bool is_donation(const json_t *event)
{
	return strncmp(canonical_text(event, "type"), "donation.", 9) == 0;
}

static int normalize_type(struct normalization *m, const struct canonical_hints *hints)
{
	int rc = normalize_text(m, m->event, "type", "type", hints->type);
	if (rc != 0)
		return rc;
	json_t *type = member(m->event, "type");
	if (type == NULL || json_string_length(type) == 0)
		return err_set(m->err, ERR_INVALID,
					   "type is missing; let the map set it, such as type: \"donation.created\"");
	if (hints->is_gift && !is_donation(m->event))
		set(m, m->event, "type", json_string("donation.created"));
	return 0;
}

/* The type is normalised first, because it decides whether the event must have an amount. */
int canonical_normalize(json_t *event, const struct canonical_hints *hints, bool *ret_changed,
						struct err *err)
{
	struct normalization m = { .event = event, .err = err };
	if (!json_is_object(event))
		return err_set(err, ERR_INVALID, "the map gave %s, expected an object with id, type and amount",
					   event == NULL ? "nothing" : json_kind_text(event));
	int rc = normalize_type(&m, hints);
	if (rc == 0)
		rc = normalize_text(&m, event, "id", "id", hints->id);
	if (rc == 0)
		rc = normalize_text(&m, event, "gift", "gift", hints->gift);
	if (rc == 0)
		rc = normalize_time(&m);
	if (rc == 0)
		rc = normalize_donor(&m);
	if (rc == 0 && is_donation(event))
		rc = normalize_amount(&m);
	*ret_changed = m.changed;
	return rc;
}

const char *canonical_text(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));
	return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *canonical_donor(const json_t *event)
{
	const json_t *donor = json_object_get(event, "donor");
	const char *id = canonical_text(donor, "id");
	return id != NULL ? id : canonical_text(donor, "email");
}
