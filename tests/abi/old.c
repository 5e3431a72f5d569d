/* A connector that was built with an older version of the header and never built again. It must work with every
 * later gateway of the same major version. It uses a little of everything that the header offers. The build
 * compiles this file with each old header: OLD_MINOR is the minor version, OLD_NAME the name of the plugin. */
#if OLD_MINOR == 0
#include "tests/abi/almoner_connector_1_0.h"
#else
#include "tests/abi/almoner_connector_1_1.h"
#endif

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct old {
	const struct almoner_host *host;
};

struct old_attempt {
	const struct almoner_step *step;
	unsigned turn;
	char key[33];
	struct almoner_header header;
};

static struct almoner_text text(const char *chars)
{
	return (struct almoner_text){ chars, strlen(chars) };
}

static int old_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					struct almoner_traits *traits, struct almoner_error *error)
{
	struct old *o = calloc(1, sizeof *o);
	if (o == NULL || strstr(settings.p, "\"limit\":1048576") == NULL ||
		strstr(settings.p, "\"wait\":30000") == NULL) {
		snprintf(error->text, sizeof error->text, "the settings are not as version 1.%d promised", OLD_MINOR);
		free(o);
		return -1;
	}
	o->host = host;
	host->log(host->ctx, 1, "old connector opened");
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = 1000;
	traits->capabilities = ALMONER_CAN_UNDO | ALMONER_CAN_LOOKUP;
#if OLD_MINOR >= 1
	traits->capabilities |= ALMONER_UNDO_IDEMPOTENT;
#endif
	*instance = o;
	return 0;
}

static void old_close(void *instance)
{
	free(instance);
}

static int old_begin(void *instance, const struct almoner_step *step, void **attempt,
					 struct almoner_error *error)
{
	(void)instance;
	struct old_attempt *a = calloc(1, sizeof *a);
	if (a == NULL || step->size < sizeof *step) {
		snprintf(error->text, sizeof error->text, "the step is shorter than version 1.%d promised",
				 OLD_MINOR);
		free(a);
		return -1;
	}
	a->step = step;
	*attempt = a;
	return 0;
}

static void send_http(struct old_attempt *a, struct almoner_action *action, const char *method,
					  uint32_t effect)
{
	a->step->key(a->step->key_ctx, "", a->key);
#if OLD_MINOR >= 1
	if (a->step->purpose == ALMONER_UNDO)
		a->step->do_key(a->step->key_ctx, "", a->key);
#endif
	a->header = (struct almoner_header){ text("X-Key"), text(a->key) };
	action->kind = ALMONER_SEND_HTTP;
	action->effect = effect;
	action->http.method = text(method);
	action->http.url = text("http://127.0.0.1/old");
	action->http.headers = &a->header;
	action->http.header_count = 1;
}

static void send_mail(struct almoner_action *action)
{
	action->kind = ALMONER_SEND_MAIL;
	action->effect = ALMONER_EFFECTS;
	action->checkpoint = text("{\"at\":1}");
	action->mail.host = text("127.0.0.1");
	action->mail.port = 25;
	action->mail.tls = ALMONER_TLS_NONE;
	action->mail.from = text("a@example.org");
	action->mail.to = text("b@example.org");
	action->mail.message = text("Subject: x\r\n\r\ny\r\n");
}

static void finish(const struct old_attempt *a, const struct almoner_reply *reply,
				   struct almoner_action *action)
{
	bool found = reply->status / 100 == 2;
	action->kind = ALMONER_FINISH;
	action->done.result_class = found                                ? ALMONER_OK
								: a->step->purpose == ALMONER_LOOKUP ? ALMONER_ABSENT
																	 : ALMONER_REJECTED;
	action->done.status = reply->status;
	action->done.detail = text("old and well");
	action->done.result = text("{\"id\":\"7\"}");
}

/* DO sends a request and then a mail. UNDO sends a request, LOOKUP reads. */
static int old_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					struct almoner_error *error)
{
	struct old_attempt *a = attempt;
	(void)error;
	unsigned turn = a->turn++;
	if (a->step->purpose != ALMONER_DO) {
		if (turn > 0)
			finish(a, reply, action);
		else if (a->step->purpose == ALMONER_UNDO)
			send_http(a, action, "DELETE", ALMONER_EFFECTS);
		else
			send_http(a, action, "GET", ALMONER_READS);
	} else if (turn == 0) {
		send_http(a, action, "PUT", ALMONER_EFFECTS);
		action->http.body = a->step->event;
	} else if (turn == 1) {
		send_mail(action);
	} else {
		finish(a, reply, action);
	}
	return 0;
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_option options[] = {
		{ "limit", ALMONER_OPTION_BYTES, 0, 0, "\"1MiB\"", NULL, "A size" },
		{ "wait", ALMONER_OPTION_DURATION, 1, 0, NULL, NULL, "A duration" },
		{ "kind", ALMONER_OPTION_CHOICE, 0, 0, "\"a\"", "a|b", "A choice" },
	};
	static const struct almoner_connector self = {
		sizeof(struct almoner_connector),
		1,
		OLD_MINOR,
		OLD_NAME,
		"0.9",
		"Built against an old version of the header",
		"documents only",
		options,
		3,
		sizeof(struct almoner_option),
		old_open,
		old_close,
		old_begin,
		old_next,
		free,
	};
	return &self;
}
