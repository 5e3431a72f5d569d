/* The bytes of a log row (head, then after the first 0xff the personal part) give records or are refused; each record
 * has a JSON form. */
#include <jansson.h>

#include "saga/model/record.h"
#include "saga/model/record_json.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str head = fuzz_until(&rest, '\xff');
	struct records_reader reader = records_read(head, rest, 1700000000000);
	struct record record;
	struct err err = { 0 };
	size_t count = 0;
	int rc;
	while ((rc = records_next(&reader, &record, &err)) == 1) {
		assert(++count <= head.len); /* a record has at least one byte */
		json_t *json = record_json(&record, SUBJECT_SAGA, 7, 1, 1, NULL);
		assert(json_is_object(json));
		json_decref(json);
	}
	assert(rc == 0 || err.text[0] != '\0');
	return 0;
}
