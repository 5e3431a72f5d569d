/* The frame of a connector. open, close, begin and end of the interface, and the checks around `next`, are
 * the same in every connector: the kit has them. A connector has two structs and a table of functions:
 *
 *   struct NAME          one configured instance; its first member is a struct kit_instance
 *   struct NAME_attempt  one attempt; its first member is a struct kit_attempt
 *   struct kit_shell     their sizes, and what the connector does itself
 *
 * and one KIT_SHELL_CONNECTOR at the end of its main file. The kit allocates both structs and fills them with
 * zeros. Threads are those of the interface: each instance and its attempts are used by one thread. */
#ifndef ALMONER_KIT_SHELL_H
#define ALMONER_KIT_SHELL_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/answer.h"
#include "connectors/kit/context.h"
#include "connectors/kit/secrets.h"

struct kit_shell;

/* The first member of the instance. */
struct kit_instance {
	const struct kit_shell *shell;
	const struct almoner_host *host; /* outlives the instance */
	json_t *json;                    /* the settings, an object; lives as long as the instance */
	struct kit_secrets secrets;      /* secrets that must never appear in a detail; `open` adds them */
};

/* The first member of the attempt. */
struct kit_attempt {
	const struct kit_instance *instance;
	struct kit_context context;
	struct kit_answer answer;
	bool started; /* `next` was called */
};

struct kit_shell {
	size_t instance_bytes;
	size_t attempt_bytes;
	/* Reads instance->json into the instance and fills `traits`. Returns 0, or -1 with `error` filled;
	 * `close` is called then too. */
	int (*open)(void *instance, struct almoner_traits *traits, struct almoner_error *error);
	/* Frees what `open` made; the kit frees the struct kit_instance. NULL: nothing to free. */
	void (*close)(void *instance);
	/* Copies into the attempt what it needs of the instance. Returns 0, or -1 with `error` filled; `end` is
	 * not called then. */
	int (*begin)(void *attempt, const void *instance, struct almoner_error *error);
	/* `next` of the interface; the answer is begun already. `reply` is NULL on the first call and only
	 * then. */
	int (*next)(void *attempt, const struct almoner_reply *reply);
	/* Frees what the attempt made; the kit frees the struct kit_attempt. NULL: nothing to free. */
	void (*end)(void *attempt);
};

/* The functions behind KIT_SHELL_CONNECTOR; a connector does not call them. */
int kit_shell_open(const struct kit_shell *shell, const struct almoner_host *host,
				   struct almoner_text settings, void **instance, struct almoner_traits *traits,
				   struct almoner_error *error);
void kit_shell_close(void *instance);
int kit_shell_begin(void *instance, const struct almoner_step *step, void **attempt,
					struct almoner_error *error);
int kit_shell_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				   struct almoner_error *error);
void kit_shell_end(void *attempt);

/* Defines almoner_connector(), the one symbol that a connector exports. `shell_` is a struct kit_shell; then
 * come .name, .version, .summary, .proven, .options and .option_count of struct almoner_connector. */
#define KIT_SHELL_CONNECTOR(shell_, ...)                                                                     \
	static int shell_open(const struct almoner_host *host, struct almoner_text settings, void **instance,    \
						  struct almoner_traits *traits, struct almoner_error *error)                        \
	{                                                                                                        \
		return kit_shell_open(&(shell_), host, settings, instance, traits, error);                           \
	}                                                                                                        \
	const struct almoner_connector *almoner_connector(void)                                                  \
	{                                                                                                        \
		static const struct almoner_connector self = { .size = sizeof(struct almoner_connector),             \
													   .abi_major = ALMONER_ABI_MAJOR,                       \
													   .abi_minor = ALMONER_ABI_MINOR,                       \
													   .option_size = sizeof(struct almoner_option),         \
													   .open = shell_open,                                   \
													   .close = kit_shell_close,                             \
													   .begin = kit_shell_begin,                             \
													   .next = kit_shell_next,                               \
													   .end = kit_shell_end,                                 \
													   __VA_ARGS__ };                                        \
		return &self;                                                                                        \
	}

#endif
