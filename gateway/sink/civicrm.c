/* A stand-in for CiviCRM's APIv4 over AJAX, below /civicrm: POST /civicrm/ajax/api4/ENTITY/ACTION with the
 * form field `params` holding JSON. Any entity can be read, created, saved, updated and deleted; Contact and
 * Contribution have their required fields, Contribution its unique trxn_id and invoice_id. Facts from the
 * project's developer documentation ("APIv4 usage", "AJAX interface") and its behaviour: an unknown match
 * creates, errors of the database and of validation both come as 500.
 *
 * Its counters: GET /_control/civicrm → stub: {"contacts", "contributions", "duplicates_refused"}, with
 * ?entries=1 also the records by entity. */
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

static json_t *table_of(struct sink_endpoint *endpoint, const char *entity)
{
	json_t *tables = json_object_get(endpoint->stub_data, "tables");
	json_t *table = json_object_get(tables, entity);
	if (table == NULL) {
		table = json_array();
		json_object_set_new(tables, entity, table);
	}
	return table;
}

static void fail(struct sink_answer *answer, uint32_t status, const char *message)
{
	sink_answer_json(
		answer, status,
		json_pack("{s:i, s:s, s:i}", "error_code", 0, "error_message", message, "status", (int)status));
}

/* ---- where ---- */

/* Compares as the database does: without case, and a number equals its text. */
static bool equal(const json_t *a, const json_t *b)
{
	AUTO_FREE char *left =
		json_is_string(a) ? mem_strdup(json_string_value(a)) : json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT);
	AUTO_FREE char *right =
		json_is_string(b) ? mem_strdup(json_string_value(b)) : json_dumps(b, JSON_ENCODE_ANY | JSON_COMPACT);
	return left != NULL && right != NULL && strcasecmp(left, right) == 0;
}

static bool is_one_of(const json_t *held, const json_t *list)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) if (equal(held, item)) return true;
	return false;
}

/* One condition [FIELD, OPERATOR, VALUE]. An unknown operator never holds. */
static bool clause_holds(const json_t *record, const json_t *clause)
{
	const char *field = json_string_value(json_array_get(clause, 0));
	const char *op = json_string_value(json_array_get(clause, 1));
	const json_t *value = json_array_get(clause, 2);
	const json_t *held = field != NULL ? json_object_get(record, field) : NULL;
	bool present = held != NULL && !json_is_null(held);
	if (op == NULL)
		return false;
	if (strcasecmp(op, "IS NULL") == 0 || strcasecmp(op, "IS EMPTY") == 0)
		return !present;
	if (strcasecmp(op, "IS NOT NULL") == 0 || strcasecmp(op, "IS NOT EMPTY") == 0)
		return present;
	if (strcasecmp(op, "IN") == 0)
		return present && is_one_of(held, value);
	if (strcmp(op, "!=") == 0 || strcmp(op, "<>") == 0)
		return !present || !equal(held, value);
	return strcmp(op, "=") == 0 && present && equal(held, value);
}

/* is_deleted and is_test have defaults in the real service, so a condition on them holds for records without
 * them. */
static bool record_matches(const json_t *record, const json_t *where)
{
	size_t i;
	json_t *clause;
	json_array_foreach(where, i, clause)
	{
		const char *field = json_string_value(json_array_get(clause, 0));
		bool flag = field != NULL && json_object_get(record, field) == NULL &&
					(strcmp(field, "is_deleted") == 0 || strcmp(field, "is_test") == 0);
		if (!flag && !clause_holds(record, clause))
			return false;
	}
	return true;
}

static json_t *select_where(json_t *table, const json_t *where)
{
	json_t *found = json_array();
	size_t i;
	json_t *record;
	json_array_foreach(table, i, record) if (record_matches(record, where)) json_array_append(found, record);
	return found;
}

/* ---- rules of the entities ---- */

static bool has(const json_t *record, const char *field)
{
	AUTO_FREE char *by_name = mem_printf("%s:name", field);
	const json_t *value = json_object_get(record, field);
	return (value != NULL && !json_is_null(value)) || json_object_get(record, by_name) != NULL;
}

/* Whether another record has the same value in this field; an absent value is never taken. */
static bool value_is_taken(const json_t *table, const json_t *record, const char *field)
{
	const json_t *value = json_object_get(record, field);
	size_t i;
	json_t *other;
	if (value == NULL || json_is_null(value))
		return false;
	json_array_foreach(table, i, other)
	{
		const json_t *held = json_object_get(other, field);
		if (other != record && held != NULL && equal(held, value))
			return true;
	}
	return false;
}

static bool contact_exists(struct sink_endpoint *endpoint, const json_t *id)
{
	size_t i;
	json_t *contact;
	json_array_foreach(table_of(endpoint, "Contact"), i,
					   contact) if (equal(json_object_get(contact, "id"), id)) return true;
	return false;
}

/* The message of the error, in the words of the real service; NULL: the record is valid. */
static const char *contribution_fault(struct sink_endpoint *endpoint, const json_t *table,
									  const json_t *record)
{
	if (!has(record, "contact_id") || !has(record, "financial_type_id") || !has(record, "total_amount"))
		return "Mandatory values missing from Api4 Contribution::create: contact_id, financial_type_id, "
			   "total_amount";
	if (!contact_exists(endpoint, json_object_get(record, "contact_id")))
		return "DB Error: constraint violation";
	if (value_is_taken(table, record, "trxn_id") || value_is_taken(table, record, "invoice_id")) {
		json_t *refused = json_object_get(endpoint->stub_data, "duplicates_refused");
		json_integer_set(refused, json_integer_value(refused) + 1);
		return "Duplicate error - existing contribution record(s) have a matching Transaction ID or Invoice "
			   "ID.";
	}
	return NULL;
}

static const char *record_fault(struct sink_endpoint *endpoint, const char *entity, const json_t *table,
								const json_t *record)
{
	if (strcmp(entity, "Contribution") == 0)
		return contribution_fault(endpoint, table, record);
	if (strcmp(entity, "Contact") == 0 && !has(record, "first_name") && !has(record, "last_name") &&
		!has(record, "organization_name") && !has(record, "display_name") &&
		!has(record, "email_primary.email"))
		return "Mandatory values missing from Api4 Contact::create: a name or an e-mail address";
	return NULL;
}

/* ---- actions ---- */

static void answer_values(struct sink_answer *answer, const char *entity, const char *action, json_t *values)
{
	json_int_t n = (json_int_t)json_array_size(values);
	sink_answer_json(answer, 200,
					 json_pack("{s:s, s:s, s:i, s:I, s:I, s:o}", "entity", entity, "action", action,
							   "version", 4, "count", n, "countFetched", n, "values", values));
}

static json_t *insert(struct sink_endpoint *endpoint, const char *entity, const json_t *values,
					  const char **fault)
{
	json_t *table = table_of(endpoint, entity);
	json_t *record = json_deep_copy(values);
	*fault = record_fault(endpoint, entity, table, record);
	if (*fault == NULL) {
		json_t *next = json_object_get(endpoint->stub_data, "next_id");
		json_object_set_new(record, "id", json_integer(json_integer_value(next)));
		json_integer_set(next, json_integer_value(next) + 1);
		json_array_append(table, record);
	}
	return record;
}

static void create(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				   struct sink_answer *answer)
{
	const json_t *values = json_object_get(params, "values");
	json_t *empty = json_object();
	const char *fault;
	json_t *record = insert(endpoint, entity, json_is_object(values) ? values : empty, &fault);
	json_decref(empty);
	if (fault != NULL)
		fail(answer, 500, fault);
	else
		answer_values(answer, entity, "create", json_pack("[O]", record));
	json_decref(record);
}

/* The record that `save` updates: the only one with the same values in all match fields. NULL, and so a new
 * record, if there is none, if there are several, or if the given values lack a match field. */
static json_t *find_match(json_t *table, const json_t *values, const json_t *match)
{
	json_t *where = json_array();
	bool whole = json_array_size(match) > 0;
	size_t i;
	json_t *field;
	json_array_foreach(match, i, field)
	{
		json_t *value = json_object_get(values, json_string_value(field));
		whole = whole && value != NULL && !json_is_null(value);
		json_array_append_new(where, json_pack("[O, s, O?]", field, "=", value));
	}
	json_t *found = whole ? select_where(table, where) : json_array();
	json_t *one = json_array_size(found) == 1 ? json_array_get(found, 0) : NULL;
	json_decref(where);
	json_decref(found);
	return one;
}

/* After the first fault nothing more is created, and the answer is the fault. */
static void save(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				 struct sink_answer *answer)
{
	json_t *saved = json_array();
	const char *fault = NULL;
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(params, "records"), i, item)
	{
		json_t *values = json_object();
		json_object_update(values, json_object_get(params, "defaults"));
		json_object_update(values, item);
		json_t *match = find_match(table_of(endpoint, entity), values, json_object_get(params, "match"));
		if (match != NULL) {
			json_object_update(match, values);
			json_array_append(saved, match);
		} else if (fault == NULL) {
			json_array_append_new(saved, insert(endpoint, entity, values, &fault));
		}
		json_decref(values);
	}
	if (fault == NULL) {
		answer_values(answer, entity, "save", saved);
		return;
	}
	json_decref(saved);
	fail(answer, 500, fault);
}

/* Without a condition and without an id nothing is updated. */
static void update(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				   struct sink_answer *answer)
{
	json_t *values = json_object_get(params, "values");
	json_t *where = json_object_get(params, "where");
	json_t *id = json_object_get(values, "id");
	json_t *by_id = json_pack("[[s, s, O?]]", "id", "=", id);
	json_t *found = json_array();
	if (json_array_size(where) > 0 || id != NULL) {
		json_decref(found);
		found = select_where(table_of(endpoint, entity), json_array_size(where) > 0 ? where : by_id);
	}
	json_decref(by_id);
	size_t i;
	json_t *record;
	json_array_foreach(found, i, record) json_object_update(record, values);
	answer_values(answer, entity, "update", found);
}

static void get(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				struct sink_answer *answer)
{
	json_t *found = select_where(table_of(endpoint, entity), json_object_get(params, "where"));
	json_int_t limit = json_integer_value(json_object_get(params, "limit"));
	while (limit > 0 && (json_int_t)json_array_size(found) > limit)
		json_array_remove(found, json_array_size(found) - 1);
	answer_values(answer, entity, "get", found);
}

static void erase(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				  struct sink_answer *answer)
{
	json_t *table = table_of(endpoint, entity);
	json_t *found = select_where(table, json_object_get(params, "where"));
	size_t i;
	json_t *record;
	json_array_foreach(found, i, record) for (size_t at = json_array_size(table);
											  at-- > 0;) if (json_array_get(table, at) == record)
		json_array_remove(table, at);
	answer_values(answer, entity, "delete", found);
}

static const struct {
	const char *name;
	void (*run)(struct sink_endpoint *endpoint, const char *entity, const json_t *params,
				struct sink_answer *answer);
} actions[] = {
	{ "get", get }, { "create", create }, { "save", save }, { "update", update }, { "delete", erase },
};

/* ---- the stub ---- */

/* `entity` is "ENTITY/ACTION". The parameters may be in the body or in the query. */
static void run_action(struct sink_endpoint *endpoint, char *entity, const struct sink_request *request,
					   struct sink_answer *answer)
{
	char *slash = strchr(entity, '/');
	AUTO_BUF struct buf text = { 0 };
	json_t *params = NULL;
	if (slash != NULL)
		*slash = '\0';
	if (sink_form_field(request->body, "params", &text) || sink_form_field(request->query, "params", &text))
		params = json_loadb(text.data, text.len, 0, NULL);
	if (params == NULL)
		/* the sink treats parameters in a wrong form as an empty object, like the real service */
		params = json_object();
	for (size_t i = 0; slash != NULL && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, slash + 1) == 0)
			actions[i].run(endpoint, entity, params, answer);
	json_decref(params);
	if (answer->status == 0)
		fail(answer, 404, "Api4 action does not exist");
}

/* The checks of the real service, in its order: page, login, header against foreign sites, method. */
static void handle(struct sink_endpoint *endpoint, const struct sink_request *request,
				   struct sink_answer *answer)
{
	static const char prefix[] = "/civicrm/ajax/api4/";
	size_t len = sizeof(prefix) - 1;
	bool known = request->path.len > len && memcmp(request->path.p, prefix, len) == 0;
	struct str auth = sink_header(request->headers, "X-Civi-Auth");
	if (auth.len == 0)
		auth = sink_header(request->headers, "Authorization");
	if (!known) {
		fail(answer, 404, "no such page");
	} else if (auth.len < 8 || strncasecmp(auth.p, "Bearer ", 7) != 0) {
		fail(answer, 401, "HTTP 401 Unauthorized");
	} else if (sink_header(request->headers, "X-Requested-With").len == 0) {
		fail(answer, 400, "SECURITY ALERT: Ajax requests can only be issued by javascript clients");
	} else if (!str_is(request->method, "POST")) {
		fail(answer, 405, "this stub takes POST");
	} else {
		AUTO_FREE char *rest = mem_strndup(request->path.p + len, request->path.len - len);
		run_action(endpoint, rest, request, answer);
	}
}

static void reset(struct sink_endpoint *endpoint)
{
	json_decref(endpoint->stub_data);
	endpoint->stub_data = json_pack("{s:{s:[], s:[]}, s:i, s:i}", "tables", "Contact", "Contribution",
									"next_id", 1, "duplicates_refused", 0);
	assert(endpoint->stub_data != NULL);
}

static json_t *stats(struct sink_endpoint *endpoint, bool entries)
{
	if (entries)
		return json_deep_copy(endpoint->stub_data);
	json_int_t refused = json_integer_value(json_object_get(endpoint->stub_data, "duplicates_refused"));
	return json_pack("{s:I, s:I, s:I}", "contacts",
					 (json_int_t)json_array_size(table_of(endpoint, "Contact")), "contributions",
					 (json_int_t)json_array_size(table_of(endpoint, "Contribution")), "duplicates_refused",
					 refused);
}

const struct sink_stub sink_civicrm = {
	.path = "/civicrm", .handle = handle, .stats = stats, .reset = reset
};
