/* Events and related events: their columns become one payload. */
#include "saga/store/sqlite/upgrade/copy.h"

#include "saga/model/event_codec.h"
#include "saga/store/sqlite/columns.h"

/* The columns of an event in schema 4. */
#define OLD_COLUMNS "received, salt, source, event_id, type, gift, donor, content_type, raw, canonical"

/* Binds the payload of the event whose first column is `first`. The bytes are in `payload`, which the next row
 * fills again. */
static void bind_payload(struct db_query *from, int first, struct buf *payload, struct db_query *to)
{
	struct event_image image = {
		.fields = { .source = column_bytes(from, first + 2),
					.event_id = column_bytes(from, first + 3),
					.type = column_bytes(from, first + 4),
					.gift = column_bytes(from, first + 5),
					.donor = column_bytes(from, first + 6),
					.content_type = column_bytes(from, first + 7),
					.raw = column_bytes(from, first + 8),
					.canonical = column_bytes(from, first + 9) },
		.received_ms = column_int(from, first),
	};
	column_fixed(from, first + 1, image.salt, sizeof image.salt);
	buf_clear(payload);
	event_codec_pack(&image, payload);
	query_blob(to, payload->data, payload->len);
}

static int bind_event(void *ctx, struct db_query *from, struct db_query *to, struct err *err)
{
	(void)err;
	query_int(to, column_int(from, 0));
	query_int(to, EVENT_FIRST_VERSION);
	bind_payload(from, 1, ctx, to);
	return 0;
}

int copy_event(struct copy *c, struct err *err)
{
	struct buf payload AUTO_BUF = { 0 };
	return copy_rows(c, "copying the events", "SELECT saga, " OLD_COLUMNS " FROM old.event ORDER BY saga",
					 "INSERT INTO event (saga, version, payload) VALUES (?1, ?2, ?3)", bind_event, &payload,
					 err);
}

static int bind_related(void *ctx, struct db_query *from, struct db_query *to, struct err *err)
{
	(void)err;
	struct str name = column_bytes(from, 3);
	query_int(to, column_int(from, 0));
	query_int(to, column_int(from, 1));
	query_int(to, column_int(from, 2));
	query_blob(to, name.p, name.len);
	bind_payload(from, 4, ctx, to);
	return 0;
}

int copy_related(struct copy *c, struct err *err)
{
	struct buf payload AUTO_BUF = { 0 };
	return copy_rows(
		c, "copying the related events",
		"SELECT id, saga, due, gift_key, " OLD_COLUMNS " FROM old.related ORDER BY id",
		"INSERT INTO related (id, saga, own, due, names, payload) VALUES (?1, ?2, 0, ?3, ?4, ?5)",
		bind_related, &payload, err);
}

int copy_related_name(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the names of waiting events",
					"INSERT INTO related_name (part, gift_key, related) "
					"SELECT 0, gift_key, id FROM old.related WHERE saga = 0 ORDER BY gift_key, id",
					err);
}
