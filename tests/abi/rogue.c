/* A connector that misbehaves in the way its settings name: {"where": "next", "how": "hang"}. */
#include <stdlib.h>
#include <string.h>

#include "connectors/almoner_connector.h"

struct rogue {
	char where[16];
	char how[16];
};

static void hang(void)
{
	for (volatile unsigned turns = 0;;)
		turns = turns + 1;
}

static void write_to_null(void)
{
	volatile int *volatile nowhere = NULL;
	*nowhere = 1;
}

static int overflow(volatile char *above)
{
	volatile char capacity[4096];
	capacity[0] = above != NULL ? *above : 0;
	return overflow(capacity) + capacity[0];
}

static void misbehave(const char *how)
{
	if (strcmp(how, "hang") == 0)
		hang();
	if (strcmp(how, "null") == 0)
		write_to_null();
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "stack") == 0)
		exit(overflow(NULL));
	if (strcmp(how, "exit") == 0)
		_Exit(7);
}

static void at(const struct rogue *r, const char *where)
{
	if (strcmp(r->where, where) == 0)
		misbehave(r->how);
}

/* Copies the value of a member of a JSON text that contains no escapes. */
static void take(struct almoner_text json, const char *name, char out[16])
{
	const char *p = strstr(json.p, name);
	p = p != NULL ? strchr(p, ':') : NULL;
	p = p != NULL ? strchr(p, '"') : NULL;
	size_t len = p != NULL ? strcspn(p + 1, "\"") : 0;
	if (len > 0 && len < 16)
		memcpy(out, p + 1, len);
}

static int rogue_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					  struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	(void)error;
	struct rogue *r = calloc(1, sizeof *r);
	if (r == NULL)
		return -1;
	take(settings, "\"where\"", r->where);
	take(settings, "\"how\"", r->how);
	traits->repeat = ALMONER_REPEAT_UNSAFE;
	*instance = r;
	at(r, "open");
	return 0;
}

static void rogue_close(void *instance)
{
	free(instance);
}

static int rogue_begin(void *instance, const struct almoner_step *step, void **attempt,
					   struct almoner_error *error)
{
	(void)step;
	(void)error;
	at(instance, "begin");
	*attempt = instance;
	return 0;
}

static int rogue_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					  struct almoner_error *error)
{
	(void)reply;
	(void)error;
	const struct rogue *r = attempt;
	at(r, "next");
	if (strcmp(r->how, "fault") == 0)
		return -1; /* as a connector returns when it finds a bug of its own */
	action->kind = ALMONER_FINISH;
	action->done.result_class = ALMONER_OK;
	return 0;
}

static void rogue_end(void *attempt)
{
	at(attempt, "end");
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_option options[] = {
		{ .name = "where", .type = ALMONER_OPTION_STRING, .required = 1, .help = "In which call" },
		{ .name = "how", .type = ALMONER_OPTION_STRING, .required = 1, .help = "What to do there" },
	};
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "rogue",
		.version = "1.0",
		.summary = "Misbehaves in the way that the setting names",
		.proven = "documents only",
		.options = options,
		.option_count = 2,
		.option_size = sizeof(struct almoner_option),
		.open = rogue_open,
		.close = rogue_close,
		.begin = rogue_begin,
		.next = rogue_next,
		.end = rogue_end,
	};
	return &self;
}
