#include "connectors/kit/shell.h"

#include <assert.h>
#include <stdlib.h>

#include "connectors/kit/json.h"
#include "saga/base/mem.h"

/* After a failed `open`, `close` frees the part that was made: a connector needs no second clean-up path. */
int kit_shell_open(const struct kit_shell *shell, const struct almoner_host *host,
				   struct almoner_text settings, void **instance, struct almoner_traits *traits,
				   struct almoner_error *error)
{
	assert(shell->instance_bytes >= sizeof(struct kit_instance));
	assert(shell->attempt_bytes >= sizeof(struct kit_attempt));
	struct kit_instance *made = mem_zalloc(shell->instance_bytes);
	made->shell = shell;
	made->host = host;
	made->json = kit_json_parse(settings);
	int rc = json_is_object(made->json) ? shell->open(made, traits, error)
										: kit_error_set(error, "the settings are not a JSON object");
	if (rc != 0) {
		kit_shell_close(made);
		return -1;
	}
	*instance = made;
	return 0;
}

void kit_shell_close(void *instance)
{
	assert(instance != NULL);
	struct kit_instance *made = instance;
	if (made->shell->close != NULL)
		made->shell->close(instance);
	kit_secrets_free(&made->secrets);
	json_decref(made->json);
	free(made);
}

int kit_shell_begin(void *instance, const struct almoner_step *step, void **attempt,
					struct almoner_error *error)
{
	assert(instance != NULL && step != NULL);
	const struct kit_instance *of = instance;
	struct kit_attempt *made = mem_zalloc(of->shell->attempt_bytes);
	made->instance = of;
	kit_context_init(&made->context, step);
	kit_answer_init(&made->answer, &of->secrets);
	if (of->shell->begin(made, instance, error) != 0) {
		free(made); /* the attempt's answer and context hold no memory yet */
		return -1;
	}
	*attempt = made;
	return 0;
}

/* The host comes from outside the connector, so a wrong order of its calls is an error, not an assertion. */
int kit_shell_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				   struct almoner_error *error)
{
	assert(attempt != NULL);
	struct kit_attempt *a = attempt;
	if (a->started != (reply != NULL))
		return kit_error_set(error, "next was called with a reply first, or without one later");
	a->started = true;
	kit_answer_start(&a->answer, reply, action, error);
	return a->instance->shell->next(attempt, reply);
}

void kit_shell_end(void *attempt)
{
	assert(attempt != NULL);
	struct kit_attempt *a = attempt;
	if (a->instance->shell->end != NULL)
		a->instance->shell->end(attempt);
	kit_context_finish(&a->context);
	kit_answer_free(&a->answer);
	free(a);
}
