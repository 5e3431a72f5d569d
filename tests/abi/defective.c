/* Plugins that must be refused. The build compiles this file several times, each time with another defect. */
#include "connectors/almoner_connector.h"

#ifndef DEFECT_NAME
#define DEFECT_NAME PLUGIN_NAME
#endif
#ifndef DEFECT_MAJOR
#define DEFECT_MAJOR ALMONER_ABI_MAJOR
#endif
#ifndef DEFECT_MINOR
#define DEFECT_MINOR ALMONER_ABI_MINOR
#endif
#ifndef DEFECT_SIZE
#define DEFECT_SIZE sizeof(struct almoner_connector)
#endif
#ifndef DEFECT_OPTION_SIZE
#define DEFECT_OPTION_SIZE sizeof(struct almoner_option)
#endif
#ifdef DEFECT_NO_NEXT
#define DEFECT_NEXT NULL
#else
#define DEFECT_NEXT defective_next
#endif
#ifndef DEFECT_SECRET
#define DEFECT_SECRET 0
#endif
#ifndef DEFECT_PREVIEW
#define DEFECT_PREVIEW NULL
#endif
#ifndef DEFECT_SYMBOL
#define DEFECT_SYMBOL almoner_connector
#endif

static int defective_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
						  struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	(void)settings;
	(void)instance;
	(void)traits;
	(void)error;
	return -1;
}

static void defective_close(void *instance)
{
	(void)instance;
}

static int defective_begin(void *instance, const struct almoner_step *step, void **attempt,
						   struct almoner_error *error)
{
	(void)instance;
	(void)step;
	(void)attempt;
	(void)error;
	return -1;
}

#ifndef DEFECT_NO_NEXT
static int defective_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
						  struct almoner_error *error)
{
	(void)attempt;
	(void)reply;
	(void)action;
	(void)error;
	return -1;
}
#endif

ALMONER_EXPORT const struct almoner_connector *DEFECT_SYMBOL(void);

const struct almoner_connector *DEFECT_SYMBOL(void)
{
	static const struct almoner_option options[] = {
		{ .name = "url", .type = ALMONER_OPTION_URL, .secret = DEFECT_SECRET, .help = "Where to send" },
	};
	static const struct almoner_connector self = {
		.size = (uint32_t)(DEFECT_SIZE),
		.abi_major = DEFECT_MAJOR,
		.abi_minor = DEFECT_MINOR,
		.name = DEFECT_NAME,
		.version = "1.0",
		.summary = "A connector with one defect",
		.proven = "documents only",
		.options = options,
		.option_count = 1,
		.option_size = DEFECT_OPTION_SIZE,
		.open = defective_open,
		.close = defective_close,
		.begin = defective_begin,
		.next = DEFECT_NEXT,
		.end = defective_close,
		.preview = DEFECT_PREVIEW,
	};
	return &self;
}
