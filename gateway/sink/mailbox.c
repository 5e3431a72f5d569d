/* The state of the SMTP half: faults that are set, and messages that were accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "gateway/sink/smtp.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

static const char *const stage_names[] = {
#define SMTP_STAGE_NAME(name, text) [name] = (text),
	SMTP_STAGES(SMTP_STAGE_NAME)
#undef SMTP_STAGE_NAME
};

static const char *const mode_names[] = { [SMTP_FAULT_REPLY] = "reply",
										  [SMTP_FAULT_SILENCE] = "silence",
										  [SMTP_FAULT_RESET] = "reset",
										  [SMTP_FAULT_CLOSE] = "close" };

/* ---- faults ---- */

const struct smtp_fault *sink_smtp_fault(struct smtp_state *state, enum smtp_stage stage)
{
	for (size_t i = 0; i < state->fault_count; i++) {
		struct smtp_fault *fault = &state->faults[i];
		if (fault->stage == stage && (fault->times == 0 || fault->used < fault->times)) {
			fault->used++;
			return fault;
		}
	}
	return NULL;
}

static int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count && name != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

static void drop_behaviour(struct smtp_state *state)
{
	for (size_t i = 0; i < state->fault_count; i++)
		free(state->faults[i].reply);
	free(state->faults);
	free(state->auth_plain);
	free(state->auth_user);
	free(state->auth_password);
	state->faults = NULL;
	state->fault_count = 0;
	state->auth_plain = NULL;
	state->auth_user = NULL;
	state->auth_password = NULL;
}

/* One entry of "faults": it has either a reply or a mode. */
static bool read_fault(const json_t *item, struct smtp_fault *fault, char why[200])
{
	const char *at = json_string_value(json_object_get(item, "at"));
	const char *reply = json_string_value(json_object_get(item, "reply"));
	const char *mode = json_string_value(json_object_get(item, "mode"));
	int stage = index_of(stage_names, SMTP_STAGE_COUNT, at);
	int mode_index =
		index_of(mode_names, sizeof(mode_names) / sizeof(mode_names[0]), mode != NULL ? mode : "reply");
	if (stage < 0 || mode_index < 0 ||
		((enum smtp_fault_mode)mode_index == SMTP_FAULT_REPLY) != (reply != NULL)) {
		snprintf(why, 200, "a fault is {\"at\": STAGE, \"reply\": TEXT} or {\"at\": STAGE, \"mode\": MODE}");
		return false;
	}
	*fault = (struct smtp_fault){ .stage = (enum smtp_stage)stage,
								  .mode = (enum smtp_fault_mode)mode_index,
								  .reply = reply != NULL ? mem_strdup(reply) : NULL,
								  .times = (uint32_t)json_integer_value(json_object_get(item, "times")) };
	return true;
}

static char *base64(const char *bytes, size_t len)
{
	char *text = mem_zalloc(len * 2 + 8);
	int n = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)len);
	assert(n >= 0);
	return text;
}

static void read_auth(const json_t *auth, struct smtp_state *state)
{
	const char *user = json_string_value(json_object_get(auth, "user"));
	const char *password = json_string_value(json_object_get(auth, "password"));
	if (user == NULL || password == NULL)
		return;
	AUTO_BUF struct buf plain = { 0 };
	buf_byte(&plain, 0);
	buf_text(&plain, user);
	buf_byte(&plain, 0);
	buf_text(&plain, password);
	state->auth_plain = base64(plain.data, plain.len);
	state->auth_user = base64(user, strlen(user));
	state->auth_password = base64(password, strlen(password));
}

/* A wrong entry removes the whole behaviour, so a test cannot run with half of it. */
bool sink_smtp_set_behaviour(struct smtp_state *state, const json_t *behaviour, char why[200])
{
	const json_t *list = json_object_get(behaviour, "faults");
	size_t count = json_array_size(list);
	drop_behaviour(state);
	state->faults = mem_zalloc((count + 1) * sizeof(*state->faults));
	for (size_t i = 0; i < count; i++) {
		if (!read_fault(json_array_get(list, i), &state->faults[i], why)) {
			drop_behaviour(state);
			return false;
		}
		state->fault_count++;
	}
	read_auth(json_object_get(behaviour, "auth"), state);
	return true;
}

/* ---- messages ---- */

static struct str message_id(const struct buf *message)
{
	const char *end = sink_find_text(buf_str(message), "\r\n\r\n");
	struct str head = { .p = message->data,
						.len = end != NULL ? (size_t)(end - message->data) + 2 : message->len };
	return sink_header(head, "Message-ID");
}

/* A message without Message-ID counts as no duplicate. */
void sink_smtp_store(struct smtp_session *s)
{
	struct smtp_state *state = s->sink->smtp;
	buf_text(&s->message, "");
	struct str id = message_id(&s->message);
	state->messages++;
	if (id.len > 0) {
		void **slot = sink_map_slot(&state->ids, id);
		if (*slot != NULL)
			state->duplicates++;
		*slot = state;
	}
	sink_history_add(s->sink, "/smtp", id, 250, buf_str(&s->message));
	if (!s->sink->record || json_array_size(state->entries) >= SINK_ENTRIES_MAX)
		return;
	json_t *text = json_stringn(s->message.data, s->message.len);
	json_array_append_new(state->entries,
						  json_pack("{s:I, s:s, s:s, s:O, s:s%, s:o}", "at_ms",
									(json_int_t)clock_monotonic_ms(), "helo",
									s->helo.data != NULL ? s->helo.data : "", "from",
									s->from.data != NULL ? s->from.data : "", "to", s->recipients,
									"message_id", id.p, id.len, "text", text != NULL ? text : json_null()));
}

json_t *sink_smtp_stats(struct smtp_state *state, bool entries)
{
	json_t *stats =
		json_pack("{s:I, s:I, s:I, s:I, s:I}", "connections", (json_int_t)state->connections, "messages",
				  (json_int_t)state->messages, "refused", (json_int_t)state->rejected, "distinct_message_ids",
				  (json_int_t)sink_map_count(&state->ids), "duplicates", (json_int_t)state->duplicates);
	assert(stats != NULL);
	if (entries)
		json_object_set(stats, "entries", state->entries);
	return stats;
}

void sink_smtp_reset(struct smtp_state *state)
{
	sink_map_free(&state->ids, NULL);
	json_array_clear(state->entries);
	state->connections = 0;
	state->messages = 0;
	state->rejected = 0;
	state->duplicates = 0;
}

struct smtp_state *sink_smtp_create(void)
{
	struct smtp_state *state = mem_zalloc(sizeof(*state));
	state->entries = json_array();
	return state;
}

void sink_smtp_destroy(struct smtp_state *state)
{
	drop_behaviour(state);
	sink_map_free(&state->ids, NULL);
	json_decref(state->entries);
	free(state);
}
