/* GET /v1/events/…: an event as it was received and as it was mapped. */
#include "gateway/admin/json.h"
#include "gateway/admin/views/views.h"

/* A quarantined event has no canonical form: the member is null. */
static json_t *event_json(int64_t saga, const struct event *e)
{
	json_t *canonical =
		e->f.canonical.len > 0 ? json_loadb(e->f.canonical.p, e->f.canonical.len, 0, NULL) : NULL;
	json_t *event = json_object();
	json_object_set_new(event, "saga", json_integer(saga));
	json_object_set_new(event, "source", admin_json_text(e->f.source.p));
	json_object_set_new(event, "event_id", admin_json_text(e->f.event_id.p));
	json_object_set_new(event, "type", admin_json_text(e->f.type.p));
	json_object_set_new(event, "gift", admin_json_text(e->f.gift.p));
	json_object_set_new(event, "received_at", admin_json_time(e->received_ms));
	json_object_set_new(event, "content_type", admin_json_text(e->f.content_type.p));
	json_object_set_new(event, "raw_bytes", json_integer((json_int_t)e->f.raw.len));
	admin_json_set_raw(event, e->f.raw.p, e->f.raw.len);
	json_object_set_new(event, "canonical", canonical != NULL ? canonical : json_null());
	return event;
}

void view_event(struct admin_call *call)
{
	int64_t saga = 0;
	struct event *event = admin_call_event(call, &saga);
	if (event == NULL)
		return;
	admin_call_json(call, event_json(saga, event));
	event_unref(event);
}
