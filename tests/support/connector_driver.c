#include "tests/support/connector_driver.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void note(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
				 const char *expected)
{
	(void)severity;
	buf_printf(ctx, "%s: %s (%s)\n", pointer, message, expected != NULL ? expected : "");
}

int driver_open(struct driver *d, const struct catalog_entry *entry, const char *settings,
				const char *base_dir)
{
	*d = (struct driver){ 0 };
	json_t *json = json_loads(settings, 0, NULL);
	assert(json != NULL);
	struct config_report report = { &d->problems, note };
	struct instance_request request = {
		.connector = entry, .target = "target", .settings = json, .base_dir = base_dir
	};
	int rc = instance_open(&request, &report, &d->instance);
	json_decref(json);
	if (rc == 0)
		d->port = instance_port(d->instance);
	return rc;
}

void driver_close(struct driver *d)
{
	driver_end(d);
	instance_close(d->instance);
	buf_free(&d->problems);
	d->instance = NULL;
}

/* FNV-1a, twice with different beginnings: enough to tell labels apart. */
static uint64_t hash(uint64_t seed, uint32_t purpose, const char *label)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ seed) + (purpose == ALMONER_UNDO ? 1u : 0u);
	for (; *label != '\0'; label++)
		h = (h ^ (unsigned char)*label) * UINT64_C(0x100000001b3);
	return h * UINT64_C(0x100000001b3);
}

void driver_key(void *step, const char *label, char out[33])
{
	const struct almoner_step *s = step;
	unsigned long long high = hash(1, s->purpose, label);
	unsigned long long low = hash(2, s->purpose, label);
	snprintf(out, 33, "%016llx%016llx", high, low);
}

static void driver_do_key(void *step, const char *label, char out[33])
{
	struct almoner_step of_do = *(const struct almoner_step *)step;
	of_do.purpose = ALMONER_DO;
	driver_key(&of_do, label, out);
}

struct almoner_text driver_text(const char *chars)
{
	return (struct almoner_text){ chars, chars != NULL ? strlen(chars) : 0 };
}

void driver_step(struct driver *d, const char *event)
{
	driver_end(d);
	d->step = (struct almoner_step){ .size = sizeof d->step,
									 .purpose = ALMONER_DO,
									 .saga = 1042,
									 .generation = 1,
									 .attempt = 1,
									 .now_ms = INT64_C(1795471800000),
									 .accepted_ms = INT64_C(1795471740000),
									 .name = driver_text("books"),
									 .source = driver_text("forms"),
									 .event_id = driver_text("evt_1"),
									 .event = driver_text(event),
									 .steps = driver_text("{}"),
									 .key = driver_key,
									 .do_key = driver_do_key };
}

int driver_begin(struct driver *d)
{
	d->step.key_ctx = &d->step;
	d->error = (struct almoner_error){ .size = sizeof d->error };
	return d->port.begin(d->port.ctx, &d->step, &d->attempt, &d->error);
}

void driver_end(struct driver *d)
{
	if (d->attempt != NULL)
		d->port.end(d->port.ctx, d->attempt);
	d->attempt = NULL;
}

int driver_next(struct driver *d, const struct almoner_reply *reply)
{
	d->error = (struct almoner_error){ .size = sizeof d->error };
	return d->port.next(d->port.ctx, d->attempt, reply, &d->action, &d->error);
}

int driver_reply(struct driver *d, uint32_t status, const char *body)
{
	struct almoner_reply reply = { .size = sizeof reply, .status = status, .body = driver_text(body) };
	return driver_next(d, &reply);
}

static void must(int rc, const struct driver *d)
{
	if (rc != 0)
		fprintf(stderr, "connector: %s\n", d->error.text);
	assert(rc == 0);
}

const struct almoner_action *driver_start(struct driver *d, const char *event, uint32_t purpose)
{
	driver_step(d, event);
	d->step.purpose = purpose;
	must(driver_begin(d), d);
	must(driver_next(d, NULL), d);
	return &d->action;
}

const struct almoner_action *driver_answer(struct driver *d, uint32_t status, const char *body)
{
	must(driver_reply(d, status, body), d);
	return &d->action;
}

bool driver_is(struct almoner_text text, const char *chars)
{
	return text.p != NULL && text.len == strlen(chars) && memcmp(text.p, chars, text.len) == 0;
}

bool driver_has(struct almoner_text text, const char *part)
{
	return text.p != NULL && memmem(text.p, text.len, part, strlen(part)) != NULL;
}

const char *driver_header(const struct driver *d, const char *name)
{
	const struct almoner_http *http = &d->action.http;
	for (size_t i = 0; i < http->header_count; i++)
		if (strcasecmp(http->headers[i].name.p, name) == 0)
			return http->headers[i].value.p;
	return NULL;
}
