/* Any query string of the admin API gives names, values and a filter, or is refused with a reason. */
#include "gateway/admin/query.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, size);
	struct query_string query;
	struct saga_filter filter;
	struct err err = { 0 };
	if (query_parse(text, &query, &err) != 0) {
		assert(err.text[0] != '\0');
		return 0;
	}
	assert(query.count <= QUERY_PARTS_MAX);
	for (size_t i = 0; i < query.count; i++)
		assert(query_value(&query, query.names[i]) == query.values[i]);
	int rc = query_filter(&query, 1700000000000, &filter, &err);
	assert(rc == 0 || err.text[0] != '\0');
	int64_t number = 0;
	if (query_number(&query, "limit", 7, &number, &err) == 0)
		assert(number >= 0);
	query_finish(&query);
	return 0;
}
