/* Plays the connector's own preview: each event must get through with the replies that the connector ships.
 * */
#include "gateway/plugin/preview.h"
#include "saga/base/mem.h"
#include "tests/conformance/conformance.h"

static const char *const purpose_names[] = { "?", "do", "undo", "lookup" };

/* Begins an attempt and follows it with the replies of the preview. Returns false if it cannot be followed to
 * its outcome; d->action is then the exchange that has no reply. */
static bool follow(struct driver *d, const struct preview *preview, uint32_t purpose, const char *event)
{
	const struct almoner_reply *reply = NULL;
	driver_step(d, event);
	d->step.purpose = purpose;
	if (driver_begin(d) != 0)
		return false;
	while (driver_next(d, reply) == 0 && d->action.kind == ALMONER_SEND_HTTP) {
		reply = preview_find(preview, &d->action.http);
		if (reply == NULL)
			return false;
	}
	return d->action.kind == ALMONER_FINISH;
}

/* An event that the connector does not take ends as rejected or as a fault, also in the preview. */
static bool is_good_end(uint32_t result_class, bool must_be_ok)
{
	bool refused = result_class == ALMONER_REJECTED || result_class == ALMONER_FAULT;
	return result_class == ALMONER_OK || (refused && !must_be_ok);
}

static void play(struct driver *d, const struct preview *preview, uint32_t purpose, const char *event,
				 bool must_be_ok, struct findings *f)
{
	d->action = (struct almoner_action){ .size = sizeof d->action };
	f->conversations++;
	bool followed = follow(d, preview, purpose, event);
	const struct almoner_http *http = &d->action.http;
	if (!followed && d->action.kind == ALMONER_SEND_HTTP && d->action.effect == ALMONER_READS)
		conformance_finding(f, "preview: \"%s\" has no reply for %s %s [event %.120s]",
							purpose_names[purpose], http->method.p, http->url.p, event);
	if (followed && !is_good_end(d->action.done.result_class, must_be_ok))
		conformance_finding(f, "preview: \"%s\" ends with class %u: %s [event %.120s]",
							purpose_names[purpose], d->action.done.result_class, d->action.done.detail.p,
							event);
	driver_end(d);
}

/* A connector of 1.2 that reads first cannot be shown without a preview. */
static void check_reader(struct driver *d, const struct suite *suite,
						 const struct almoner_connector *connector, struct findings *f)
{
	if (connector->abi_minor < 2)
		return;
	driver_step(d, suite->event);
	if (driver_begin(d) == 0 && driver_next(d, NULL) == 0 && d->action.kind == ALMONER_SEND_HTTP &&
		d->action.effect == ALMONER_READS)
		conformance_finding(
			f, "preview: DO begins with an exchange that reads, and the connector has no \"do\" preview");
	driver_end(d);
}

/* The event as it is, and without each of its members and the members of its members: an event takes another
 * way if it lacks the donor's address. */
static void play_events(struct driver *d, const struct suite *suite, const struct preview *preview,
						uint32_t purpose, struct findings *f)
{
	json_t *event = json_loads(suite->event, 0, NULL);
	const char *key = NULL;
	json_t *value = NULL;
	play(d, preview, purpose, suite->event, true, f);
	json_object_foreach(event, key, value)
	{
		json_t *less = json_deep_copy(event);
		(void)json_object_del(less, key);
		char *text AUTO_FREE = json_dumps(less, JSON_COMPACT);
		play(d, preview, purpose, text, false, f);
		json_decref(less);
		const char *member = NULL;
		json_t *ignored = NULL;
		json_object_foreach(value, member, ignored)
		{
			json_t *part = json_deep_copy(event);
			(void)json_object_del(json_object_get(part, key), member);
			char *shorter AUTO_FREE = json_dumps(part, JSON_COMPACT);
			play(d, preview, purpose, shorter, false, f);
			json_decref(part);
		}
	}
	json_decref(event);
}

void conformance_preview(struct driver *d, const struct suite *suite,
						 const struct almoner_connector *connector, struct findings *f)
{
	const char *text = catalog_preview(connector);
	struct preview preview = { 0 };
	bool has_do = false;
	for (uint32_t purpose = ALMONER_DO; text != NULL && purpose <= ALMONER_LOOKUP; purpose++) {
		struct err err = { 0 };
		if (preview_read(text, purpose, &preview, &err) != 0)
			conformance_finding(f, "%s", err.text);
		else if (preview.count > 0)
			play_events(d, suite, &preview, purpose, f);
		has_do = has_do || (purpose == ALMONER_DO && preview.count > 0);
		preview_free(&preview);
	}
	if (!has_do)
		check_reader(d, suite, connector, f);
}
