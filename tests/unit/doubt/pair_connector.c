/* The connector with two effects: it finds or creates the contact, then creates the gift. If the target
 * supports look-ups, it looks before it creates, as the rules for connectors demand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/doubt/doubt_fixture.h"

struct pair_attempt {
	struct doubt_fixture *fixture;
	const struct almoner_step *step;
	unsigned at;
	char url[40], key[33];
	struct almoner_header header;
};

static struct almoner_text text(const char *p)
{
	return (struct almoner_text){ p, strlen(p) };
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)error;
	struct pair_attempt *t = mem_zalloc(sizeof *t);
	t->fixture = ctx;
	t->step = step;
	t->fixture->port_open++;
	*attempt = t;
	return 0;
}

static void end(void *ctx, void *attempt)
{
	((struct doubt_fixture *)ctx)->port_open--;
	free(attempt);
}

static void send(struct pair_attempt *t, struct almoner_action *action, const char *label, uint32_t effect)
{
	snprintf(t->url, sizeof t->url, "http://pair/%s", label);
	t->step->key(t->step->key_ctx, label, t->key);
	t->header = (struct almoner_header){ text("Idempotency-Key"), text(t->key) };
	action->kind = ALMONER_SEND_HTTP;
	action->effect = effect;
	action->http.method = text(effect == ALMONER_READS ? "GET" : "POST");
	action->http.url = text(t->url);
	action->http.headers = &t->header;
	action->http.header_count = 1;
	if (effect == ALMONER_EFFECTS)
		action->http.body = text(t->fixture->edited ? "{\"fund\":\"roof\"}" : "{\"fund\":\"general\"}");
}

static void finish(struct almoner_action *action, uint32_t class)
{
	action->kind = ALMONER_FINISH;
	action->done.result_class = class;
}

/* A look-up that found the contact and no gift. */
static void found_a_part(struct pair_attempt *t, struct almoner_action *action)
{
	assert_int_equal(t->step->purpose, ALMONER_LOOKUP);
	t->fixture->partial++;
	finish(action, ALMONER_PARTIAL);
}

enum { FIRST, FOUND_CONTACT, FIRST_DONE, SECOND_DONE };

static void second(struct pair_attempt *t, struct almoner_action *action)
{
	t->at = SECOND_DONE;
	send(t, action, t->step->purpose == ALMONER_UNDO ? "remove" : "gift", ALMONER_EFFECTS);
	action->checkpoint = text("the first is done");
}

static void first(struct pair_attempt *t, struct almoner_action *action)
{
	t->at = FIRST_DONE;
	send(t, action, t->step->purpose == ALMONER_UNDO ? "void" : "contact", ALMONER_EFFECTS);
}

static void start(struct pair_attempt *t, struct almoner_action *action)
{
	if (t->step->purpose == ALMONER_LOOKUP) {
		t->at = SECOND_DONE;
		send(t, action, "look", ALMONER_READS);
	} else if (t->step->checkpoint.p != NULL) {
		second(t, action);
	} else if (t->fixture->target.rules.can_lookup && t->step->purpose == ALMONER_DO) {
		t->at = FOUND_CONTACT;
		send(t, action, "find", ALMONER_READS);
	} else {
		first(t, action);
	}
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	(void)ctx, (void)error;
	struct pair_attempt *t = attempt;
	bool there = reply != NULL && reply->status == 200;
	if (t->at == FIRST)
		start(t, action);
	else if (t->at == FOUND_CONTACT && !there)
		first(t, action);
	else if (t->at == FOUND_CONTACT || t->at == FIRST_DONE)
		second(t, action);
	else if (reply->status == 206)
		found_a_part(t, action);
	else
		finish(action, there ? ALMONER_OK : ALMONER_ABSENT);
	return 0;
}

struct connector_port pair_connector_port(struct doubt_fixture *s)
{
	return (struct connector_port){ s, begin, next, end };
}
