/* A connector with one defect, which its settings name. The conformance suite must find it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/almoner_connector.h"

struct sloppy {
	char defect[24];
	char secret[64];
	unsigned turns; /* counts over all attempts: with it the bytes of equal attempts differ */
};

struct sloppy_attempt {
	struct sloppy *of;
	unsigned turn;
	char body[64];
};

static struct almoner_text text(const char *chars)
{
	return (struct almoner_text){ chars, strlen(chars) };
}

static void take(struct almoner_text json, const char *name, char *out, size_t capacity)
{
	const char *p = strstr(json.p, name);
	p = p != NULL ? strchr(p, ':') : NULL;
	p = p != NULL ? strchr(p, '"') : NULL;
	size_t len = p != NULL ? strcspn(p + 1, "\"") : 0;
	if (len > 0 && len < capacity)
		memcpy(out, p + 1, len);
}

static int sloppy_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					   struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	(void)error;
	struct sloppy *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -1;
	take(settings, "\"defect\"", s->defect, sizeof s->defect);
	take(settings, "\"secret\"", s->secret, sizeof s->secret);
	traits->repeat = ALMONER_REPEAT_UNSAFE;
	*instance = s;
	return 0;
}

static int sloppy_begin(void *instance, const struct almoner_step *step, void **attempt,
						struct almoner_error *error)
{
	(void)step;
	(void)error;
	struct sloppy_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -1;
	a->of = instance;
	*attempt = a;
	return 0;
}

static int is(const struct sloppy_attempt *a, const char *defect)
{
	return strcmp(a->of->defect, defect) == 0;
}

static int send_it(struct sloppy_attempt *a, struct almoner_action *action)
{
	unsigned turns = is(a, "other bytes") ? a->of->turns++ : 0;
	snprintf(a->body, sizeof a->body, "{\"n\":%u}", turns);
	action->kind = ALMONER_SEND_HTTP;
	action->effect = is(a, "doubt of a read") || is(a, "deletes to read") ? ALMONER_READS : ALMONER_EFFECTS;
	action->http.method = text(is(a, "deletes to read") ? "DELETE" : "POST");
	action->http.url = text("http://127.0.0.1/");
	action->http.body = text(a->body);
	return 0;
}

static int finish(struct sloppy_attempt *a, const struct almoner_reply *reply, struct almoner_action *action,
				  struct almoner_error *error)
{
	if (is(a, "gives up") && reply->body.p == NULL) {
		snprintf(error->text, sizeof error->text, "no body");
		return -1;
	}
	int unsure = reply->status >= 500 && !is(a, "certainty");
	action->kind = ALMONER_FINISH;
	action->done.result_class = reply->status < 300 ? ALMONER_OK
								: unsure            ? ALMONER_UNKNOWN
													: ALMONER_REJECTED;
	action->done.detail = is(a, "secret") ? text(a->of->secret) : text("done");
	if (is(a, "control"))
		action->done.detail = text("two\nlines");
	if (is(a, "silence"))
		action->done.detail = text("");
	if (is(a, "shown as rejected") && reply->status == 200)
		action->done.result_class = ALMONER_REJECTED;
	if (is(a, "sentence"))
		action->done.code = text("not a code");
	if (is(a, "code"))
		action->done.code = text(a->of->secret);
	if (is(a, "part"))
		action->done.result_class = ALMONER_PARTIAL;
	if (is(a, "broken result"))
		action->done.result = text("{\"id\":");
	return 0;
}

static int sloppy_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					   struct almoner_error *error)
{
	struct sloppy_attempt *a = attempt;
	return a->turn++ == 0 ? send_it(a, action) : finish(a, reply, action, error);
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_option options[] = {
		{ "defect", ALMONER_OPTION_STRING, 1, 0, NULL, NULL, "Which defect" },
		{ "secret", ALMONER_OPTION_STRING, 1, 1, NULL, NULL, "A secret that the defect reveals" },
	};
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "sloppy",
		.version = "1.0",
		.summary = "Has one defect",
		.proven = "documents only",
		.options = options,
		.option_count = 2,
		.option_size = sizeof(struct almoner_option),
		.open = sloppy_open,
		.close = free,
		.begin = sloppy_begin,
		.next = sloppy_next,
		.end = free,
		.preview = "{\"do\":[{\"to\":\"POST http\",\"status\":200}]}",
	};
	return &self;
}
