/* A connector that was built with version 1.0 of the header and never built again. It must work with every
 * later gateway of the same major version. It uses a little of everything that the header offers. */
#include "tests/abi/almoner_connector_1_0.h"

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
		snprintf(error->text, sizeof error->text, "the settings are not as version 1.0 promised");
		free(o);
		return -1;
	}
	o->host = host;
	host->log(host->ctx, 1, "old connector opened");
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = 1000;
	traits->capabilities = ALMONER_CAN_UNDO | ALMONER_CAN_LOOKUP;
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
		snprintf(error->text, sizeof error->text, "the step is shorter than version 1.0 promised");
		free(a);
		return -1;
	}
	a->step = step;
	*attempt = a;
	return 0;
}

static void send_http(struct old_attempt *a, struct almoner_action *action)
{
	a->step->key(a->step->key_ctx, "", a->key);
	a->header = (struct almoner_header){ text("X-Key"), text(a->key) };
	action->kind = ALMONER_SEND_HTTP;
	action->effect = ALMONER_EFFECTS;
	action->checkpoint = text("{\"at\":1}");
	action->http.method = text("PUT");
	action->http.url = text("http://127.0.0.1/old");
	action->http.headers = &a->header;
	action->http.header_count = 1;
	action->http.body = a->step->event;
}

static void send_mail(const struct old_attempt *a, struct almoner_action *action)
{
	(void)a;
	action->kind = ALMONER_SEND_MAIL;
	action->effect = ALMONER_EFFECTS;
	action->mail.host = text("127.0.0.1");
	action->mail.port = 25;
	action->mail.tls = ALMONER_TLS_NONE;
	action->mail.from = text("a@example.org");
	action->mail.to = text("b@example.org");
	action->mail.message = text("Subject: x\r\n\r\ny\r\n");
}

static int old_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					struct almoner_error *error)
{
	struct old_attempt *a = attempt;
	(void)error;
	switch (a->turn++) {
	case 0:
		send_http(a, action);
		break;
	case 1:
		send_mail(a, action);
		break;
	default:
		action->kind = ALMONER_FINISH;
		action->done.result_class = reply->status == 250 ? ALMONER_OK : ALMONER_REJECTED;
		action->done.status = reply->status;
		action->done.detail = text("old and well");
		action->done.result = text("{\"id\":\"7\"}");
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
		0,
		"old",
		"0.9",
		"Built against version 1.0 of the header",
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
