/* Scripted connectors: one exchange, or two effects with a checkpoint between them, and a look-up. The
 * body of a request depends only on event, step and label, and on the target's template. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

struct sim_connector {
	struct simulation *w;
	unsigned target;
	unsigned open;
};

/* The value of a header points to `tag`, so that network.c can read what the request is for. */
struct sim_attempt {
	struct sim_connector *port;
	const struct almoner_step *step;
	struct request_tag tag;
	bool contact_done;
	unsigned asked;
	char key[33];
	char url[64];
	char body[96];
	char checkpoint[32];
	char result[64];
	struct almoner_header header;
};

static struct almoner_text text_of(const char *p)
{
	return (struct almoner_text){ p, strlen(p) };
}

static unsigned step_number(const struct almoner_step *step)
{
	return (unsigned)(step->name.p[1] - '0');
}

static uint64_t hash_text(const char *p)
{
	uint64_t hash = 1469598103934665603u;
	for (; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	return hash;
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	struct sim_connector *port = ctx;
	if (!port->w->recovering && rng_chance(&port->w->rng, 1)) {
		snprintf(error->text, sizeof error->text, "the template is broken");
		return -1;
	}
	struct sim_attempt *c = mem_zalloc(sizeof *c);
	c->port = port;
	c->step = step;
	c->tag = (struct request_tag){ .target = port->target,
								   .saga = (int64_t)step->saga,
								   .step = step_number(step),
								   .direction = step->purpose == ALMONER_UNDO ? DIRECTION_UNDO : DIRECTION_DO,
								   .generation = step->generation,
								   .attempt = step->attempt,
								   .purpose = step->purpose };
	c->contact_done = step->checkpoint.p != NULL;
	if (c->contact_done)
		coverage_point_hit(port->w->coverage, COVER_RESUMED_CHECKPOINT);
	port->open++;
	port->w->targets[port->target].open_attempts++;
	*attempt = c;
	return 0;
}

static void end(void *ctx, void *attempt)
{
	struct sim_connector *port = ctx;
	port->open--;
	port->w->targets[port->target].open_attempts--;
	free(attempt);
}

/* ---- what to send ---- */

static const char *const request_labels[] = {
	[LABEL_MAIN] = "", [LABEL_CONTACT] = "contact", [LABEL_READ] = ""
};

static void send(struct sim_attempt *c, struct almoner_action *action, enum request_label label)
{
	const struct sim_target *t = &c->port->w->targets[c->port->target];
	c->tag.label = label;
	c->step->key(c->step->key_ctx, request_labels[label], c->key);
	snprintf(c->url, sizeof c->url, "http://%s/%s/%u", t->name,
			 c->step->purpose == ALMONER_UNDO ? "undo" : "do", (unsigned)label);
	snprintf(c->body, sizeof c->body, "%s %s %u v%u", c->step->event_id.p, c->step->name.p, (unsigned)label,
			 t->template);
	c->tag.key = c->key;
	c->tag.body = hash_text(c->body);
	c->header.name = text_of("X-Tag");
	c->header.value = (struct almoner_text){ (const char *)&c->tag, 0 };
	action->kind = ALMONER_SEND_HTTP;
	action->effect = label == LABEL_READ ? ALMONER_READS : ALMONER_EFFECTS;
	action->http = (struct almoner_http){ .method = text_of(label == LABEL_READ ? "GET" : "POST"),
										  .url = text_of(c->url),
										  .headers = &c->header,
										  .header_count = 1 };
	if (label != LABEL_READ)
		action->http.body = text_of(c->body);
}

struct request_tag sim_connector_tag(const struct almoner_http *http)
{
	return *(const struct request_tag *)(const void *)http->headers[0].value.p;
}

static enum request_label first_label(const struct sim_attempt *c)
{
	if (c->step->purpose == ALMONER_LOOKUP)
		return LABEL_READ;
	bool two = c->port->w->targets[c->port->target].two_effects && c->step->purpose == ALMONER_DO;
	return two && !c->contact_done ? LABEL_CONTACT : LABEL_MAIN;
}

/* ---- classes of answers ---- */

static uint32_t class_of(const struct sim_attempt *c, uint32_t status, int64_t retry_after_ms)
{
	switch (status) {
	case 401:
		return ALMONER_DENIED;
	case 403:
		return ALMONER_FORBIDDEN;
	case 404:
		return c->step->purpose == ALMONER_LOOKUP ? ALMONER_ABSENT : ALMONER_REJECTED;
	case 409:
		return ALMONER_EXISTS;
	case 429:
		return ALMONER_BUSY;
	case 503:
		return retry_after_ms > 0 ? ALMONER_BUSY : ALMONER_UNKNOWN;
	case 206:
		return ALMONER_PARTIAL; /* only the sink's answer to a look-up */
	default:
		return status < 300 ? ALMONER_OK : status < 500 ? ALMONER_REJECTED : ALMONER_UNKNOWN;
	}
}

static void finish(struct sim_attempt *c, struct almoner_action *action, const struct almoner_reply *reply)
{
	action->kind = ALMONER_FINISH;
	action->done.result_class = class_of(c, reply->status, reply->retry_after_ms);
	action->done.status = reply->status;
	action->done.retry_after_ms = reply->retry_after_ms;
	action->done.detail = text_of("the sink answered so");
	if (action->done.result_class == ALMONER_OK && c->step->purpose != ALMONER_UNDO) {
		snprintf(c->result, sizeof c->result, "{\"id\":\"%.8s\"}", c->key);
		action->done.result = text_of(c->result);
	}
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	struct sim_connector *port = ctx;
	struct sim_attempt *c = attempt;
	if (reply == NULL) {
		send(c, action, first_label(c));
		return 0;
	}
	if (!port->w->recovering && rng_below(&port->w->rng, 200) == 0) {
		snprintf(error->text, sizeof error->text, "the reply makes no sense");
		return -1;
	}
	if (c->tag.label == LABEL_CONTACT && reply->status < 300) {
		c->contact_done = true;
		send(c, action, LABEL_MAIN);
		snprintf(c->checkpoint, sizeof c->checkpoint, "contact=%.8s", c->key);
		action->checkpoint = text_of(c->checkpoint);
		return 0;
	}
	finish(c, action, reply);
	return 0;
}

struct connector_port sim_connector_port(struct simulation *w, unsigned target)
{
	struct sim_connector *port = mem_zalloc(sizeof *port);
	port->w = w;
	port->target = target;
	return (struct connector_port){ port, begin, next, end };
}

void sim_connector_release(void *port_ctx)
{
	struct sim_connector *port = port_ctx;
	if (port->open != 0)
		sim_fail(port->w, "a connector was closed with %u attempts open", port->open);
	free(port);
}

/* ---- conditions: the text of the program is its result ---- */

int sim_condition(void *ctx, const char *program, struct str event_json, struct str steps_json,
				  bool *ret_true, struct err *err)
{
	(void)ctx, (void)event_json;
	if (steps_json.len < 2 || steps_json.p[0] != '{')
		return err_set(err, ERR_INVALID, "the results are not an object");
	if (strcmp(program, "broken") == 0)
		return err_set(err, ERR_INVALID, "no such function");
	*ret_true = strcmp(program, "true") == 0;
	return 0;
}
