#include "gateway/admin/views/log_json.h"

#include <assert.h>

#include "gateway/admin/json.h"
#include "saga/model/record_json.h"

void log_json_row(const struct log_row *row, const struct plan *plan, json_t *list)
{
	assert(json_is_array(list));
	struct records_reader reader = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	struct err err = { 0 };
	int rc;
	while ((rc = records_next(&reader, &record, &err)) == 1) {
		if (!record_is_internal(record.kind))
			json_array_append_new(
				list, record_json(&record, row->subject, row->subject_id, row->number, row->commit, plan));
	}
	if (rc < 0)
		json_array_append_new(list,
							  json_pack("{s:I, s:I, s:s, s:I, s:s, s:o}", "seq", (json_int_t)row->number,
										"commit", (json_int_t)row->commit, "subject",
										name_of_subject(row->subject), "id", (json_int_t)row->subject_id,
										"record", "unreadable", "detail", admin_json_text(err.text)));
}
