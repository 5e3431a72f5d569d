/* A stand-in for the accounting API of QuickBooks Online, below /quickbooks: customers and sales receipts,
 * `requestid` replay, void, SyncToken, and its way of reporting errors (Fault). Facts from the vendor's
 * public documentation: "Query operations", "Create a salesreceipt", "Void a salesreceipt", "Handling common
 * errors".
 *
 * Its counters: GET /_control/quickbooks → stub: {customers, salesreceipts, voided, replays, by_payment_ref},
 * with ?entries=1 also the records. Another answer, such as a Fault with HTTP
 * 200, is set as a behaviour. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

static json_t *data_of(struct sink_endpoint *endpoint, const char *name)
{
	return json_object_get(endpoint->stub_data, name);
}

static void count(struct sink_endpoint *endpoint, const char *name)
{
	json_t *counter = data_of(endpoint, name);
	json_integer_set(counter, json_integer_value(counter) + 1);
}

static void fault(struct sink_answer *answer, uint32_t status, const char *code, const char *message,
				  const char *detail)
{
	sink_answer_json(answer, status,
					 json_pack("{s:{s:[{s:s, s:s, s:s}], s:s}, s:s}", "Fault", "Error", "Message", message,
							   "Detail", detail, "code", code, "type",
							   status == 401 ? "AuthenticationFault" : "ValidationFault", "time",
							   "2026-01-02T03:04:05.000Z"));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text != NULL ? text : "";
}

static json_t *find(const json_t *list, const char *name, const char *value)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i,
					   item) if (value[0] != '\0' && strcasecmp(text_of(item, name), value) == 0) return item;
	return NULL;
}

static void answer_with(struct sink_answer *answer, const char *entity, json_t *record)
{
	sink_answer_json(answer, 200,
					 json_pack("{s:O, s:s}", entity, record, "time", "2026-01-02T03:04:05.000Z"));
}

static json_t *store(struct sink_endpoint *endpoint, const char *list_name, json_t *record)
{
	json_t *list = data_of(endpoint, list_name);
	AUTO_FREE char *id = mem_printf("%zu", json_array_size(list) + 1);
	json_object_set_new(record, "Id", json_string(id));
	json_object_set_new(record, "SyncToken", json_string("0"));
	json_array_append(list, record);
	return record;
}

/* ---- queries: select … from ENTITY [where FIELD = 'VALUE'] ---- */

/* Reads the text up to the closing quote, in which \' and \\ stand for quote and backslash. False: no closing
 * quote. */
static bool quoted(const char *p, struct buf *value)
{
	buf_text(value, "");
	for (; *p != '\0' && *p != '\''; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		buf_add(value, p, 1);
	}
	return *p == '\'';
}

static struct str word_after(const char *text, const char *keyword)
{
	const char *p = strcasestr(text, keyword);
	if (p == NULL)
		return (struct str){ .p = "", .len = 0 };
	p += strlen(keyword);
	while (*p == ' ')
		p++;
	size_t len = 0;
	while (isalnum((unsigned char)p[len]) || p[len] == '.')
		len++;
	return (struct str){ .p = p, .len = len };
}

/* Compares a field of a record with a text. In a query "PrimaryEmailAddr" means its member Address. */
static bool matches(const json_t *record, const char *field, const char *value)
{
	const json_t *held = json_object_get(record, field);
	if (json_is_object(held))
		held = json_object_get(held, strcmp(field, "PrimaryEmailAddr") == 0 ? "Address" : "value");
	return json_is_string(held) && strcasecmp(json_string_value(held), value) == 0;
}

static json_t *select_from(const json_t *list, struct str field, const char *value)
{
	AUTO_FREE char *name = mem_strndup(field.p, field.len);
	json_t *found = json_array();
	size_t i;
	json_t *record;
	json_array_foreach(list, i, record) if (field.len == 0 || matches(record, name, value))
		json_array_append(found, record);
	return found;
}

/* Understands one condition, FIELD = 'VALUE': the queries that the connector sends. */
static void query(struct sink_endpoint *endpoint, const struct sink_request *request,
				  struct sink_answer *answer)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO_BUF struct buf value = { 0 };
	if (!sink_form_field(request->query, "query", &text)) {
		buf_clear(&text);
		buf_add(&text, request->body.p, request->body.len);
	}
	struct str entity = word_after(text.data, "from ");
	struct str field = word_after(text.data, " where ");
	const char *quote = strchr(text.data, '\'');
	bool customers = str_is(entity, "Customer");
	if ((!customers && !str_is(entity, "SalesReceipt")) ||
		(field.len > 0 && (quote == NULL || !quoted(quote + 1, &value)))) {
		fault(answer, 400, "4000", "Error parsing query", "QueryParserError");
		return;
	}
	json_t *found = select_from(data_of(endpoint, customers ? "customers" : "salesreceipts"), field,
								value.data != NULL ? value.data : "");
	json_t *response = json_object();
	if (json_array_size(found) > 0) {
		json_object_set_new(response, "startPosition", json_integer(1));
		json_object_set_new(response, "maxResults", json_integer((json_int_t)json_array_size(found)));
		json_object_set(response, customers ? "Customer" : "SalesReceipt", found);
	}
	json_decref(found);
	sink_answer_json(answer, 200,
					 json_pack("{s:o, s:s}", "QueryResponse", response, "time", "2026-01-02T03:04:05.000Z"));
}

/* ---- customers and receipts ---- */

static void create_customer(struct sink_endpoint *endpoint, json_t *body, struct sink_answer *answer)
{
	const char *name = text_of(body, "DisplayName");
	if (name[0] == '\0')
		fault(answer, 400, "2020", "Required param missing", "DisplayName is missing");
	else if (find(data_of(endpoint, "customers"), "DisplayName", name) != NULL)
		fault(answer, 400, "6240", "Duplicate Name Exists Error", "The name supplied already exists.");
	else
		answer_with(answer, "Customer", store(endpoint, "customers", body));
}

/* Checks lines and customer of a sales receipt; if one is wrong, makes the Fault that the vendor answers. */
static bool receipt_is_valid(struct sink_endpoint *endpoint, const json_t *body, struct sink_answer *answer)
{
	const json_t *customer = json_object_get(body, "CustomerRef");
	if (json_array_size(json_object_get(body, "Line")) == 0) {
		fault(answer, 400, "2020", "Required param missing", "Line is missing");
		return false;
	}
	if (customer != NULL && find(data_of(endpoint, "customers"), "Id", text_of(customer, "value")) == NULL) {
		fault(answer, 400, "2500", "Invalid Reference Id", "CustomerRef");
		return false;
	}
	return true;
}

static double total_of(const json_t *body)
{
	double total = 0.0;
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(body, "Line"), i, line) total +=
		json_number_value(json_object_get(line, "Amount"));
	return total;
}

static void count_reference(struct sink_endpoint *endpoint, const json_t *body)
{
	json_t *counts = data_of(endpoint, "by_payment_ref");
	const char *ref = text_of(body, "PaymentRefNum");
	json_int_t so_far = json_integer_value(json_object_get(counts, ref));
	json_object_set_new(counts, ref, json_integer(so_far + 1));
}

/* A requestid that was used before gets the first answer again, whatever the body says now. */
static void create_receipt(struct sink_endpoint *endpoint, const char *request_id, json_t *body,
						   struct sink_answer *answer)
{
	json_t *seen = data_of(endpoint, "by_request_id");
	json_t *first = json_object_get(seen, request_id);
	if (request_id[0] != '\0' && first != NULL) {
		count(endpoint, "replays");
		answer_with(answer, "SalesReceipt", first);
		return;
	}
	if (!receipt_is_valid(endpoint, body, answer))
		return;
	count_reference(endpoint, body);
	store(endpoint, "salesreceipts", body);
	json_object_set_new(body, "TotalAmt", json_real(total_of(body)));
	if (request_id[0] != '\0')
		json_object_set_new(seen, request_id, json_deep_copy(body));
	answer_with(answer, "SalesReceipt", body);
}

/* Voids a sales receipt as the vendor does: only with the current SyncToken, and the receipt stays with the
 * amount 0. */
static void void_receipt(struct sink_endpoint *endpoint, const json_t *body, struct sink_answer *answer)
{
	json_t *record = find(data_of(endpoint, "salesreceipts"), "Id", text_of(body, "Id"));
	if (record == NULL) {
		fault(answer, 400, "610", "Object Not Found",
			  "Something you're trying to use has been made inactive");
		return;
	}
	if (strcmp(text_of(record, "SyncToken"), text_of(body, "SyncToken")) != 0) {
		fault(answer, 400, "5010", "Stale Object Error",
			  "You and somebody else were working at the same time");
		return;
	}
	AUTO_FREE char *token = mem_printf("%ld", strtol(text_of(record, "SyncToken"), NULL, 10) + 1);
	json_object_set_new(record, "SyncToken", json_string(token));
	json_object_set_new(record, "TotalAmt", json_real(0.0));
	json_object_set_new(record, "PrivateNote", json_string("Voided"));
	count(endpoint, "voided");
	answer_with(answer, "SalesReceipt", record);
}

/* ---- the stub ---- */

static struct str last_segment(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.len);
	return (struct str){ .p = slash + 1, .len = path.len - (size_t)(slash - path.p) - 1 };
}

/* POST …/customer, …/salesreceipt, …/salesreceipt?operation=void. */
static void write_entity(struct sink_endpoint *endpoint, const struct sink_request *request,
						 struct sink_answer *answer)
{
	struct str entity = last_segment(request->path);
	AUTO_BUF struct buf operation = { 0 };
	AUTO_BUF struct buf request_id = { 0 };
	json_t *body = json_loadb(request->body.p, request->body.len, 0, NULL);
	bool is_void = sink_form_field(request->query, "operation", &operation);
	if (!sink_form_field(request->query, "requestid", &request_id))
		buf_text(&request_id, "");
	if (!json_is_object(body))
		fault(answer, 400, "2010", "Request has invalid or unsupported property", "the body is no object");
	else if (request_id.len > 50)
		fault(answer, 400, "2050", "String length is either shorter or longer than supported", "requestid");
	else if (str_is(entity, "customer"))
		create_customer(endpoint, body, answer);
	else if (str_is(entity, "salesreceipt") && is_void)
		void_receipt(endpoint, body, answer);
	else if (str_is(entity, "salesreceipt"))
		create_receipt(endpoint, request_id.data, body, answer);
	else
		fault(answer, 400, "120", "Unsupported operation", "this stub knows customer and salesreceipt");
	json_decref(body);
}

static void handle(struct sink_endpoint *endpoint, const struct sink_request *request,
				   struct sink_answer *answer)
{
	struct str bearer = sink_header(request->headers, "Authorization");
	if (bearer.len < 8 || strncmp(bearer.p, "Bearer ", 7) != 0)
		fault(answer, 401, "3200", "message=AuthenticationFailed; errorCode=003200; statusCode=401",
			  "no token");
	else if (str_is(last_segment(request->path), "query"))
		query(endpoint, request, answer);
	else
		write_entity(endpoint, request, answer);
}

static void reset(struct sink_endpoint *endpoint)
{
	json_decref(endpoint->stub_data);
	endpoint->stub_data = json_pack("{s:[], s:[], s:{}, s:{}, s:i, s:i}", "customers", "salesreceipts",
									"by_request_id", "by_payment_ref", "replays", 0, "voided", 0);
	assert(endpoint->stub_data != NULL);
}

static json_t *stats(struct sink_endpoint *endpoint, bool entries)
{
	if (entries)
		return json_deep_copy(endpoint->stub_data);
	json_t *value = json_pack("{s:I, s:I, s:O, s:O, s:O}", "customers",
							  (json_int_t)json_array_size(data_of(endpoint, "customers")), "salesreceipts",
							  (json_int_t)json_array_size(data_of(endpoint, "salesreceipts")),
							  "by_payment_ref", data_of(endpoint, "by_payment_ref"), "replays",
							  data_of(endpoint, "replays"), "voided", data_of(endpoint, "voided"));
	json_t *copy = json_deep_copy(value);
	json_decref(value);
	return copy;
}

const struct sink_stub sink_quickbooks = {
	.path = "/quickbooks", .handle = handle, .stats = stats, .reset = reset
};
