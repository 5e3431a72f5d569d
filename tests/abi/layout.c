/* The build compiles this file twice: with the frozen header of version 1.0 and with the present one. */
#ifdef FROZEN
#include "tests/abi/almoner_connector_1_0.h"
#else
#include "connectors/almoner_connector.h"
#endif

#include "tests/abi/layout.h"

#define MEMBER(type, name)                                                                                   \
	{ #type "." #name, offsetof(struct type, name), sizeof(((struct type *)NULL)->name) }

#ifdef FROZEN
const struct layout layout_1_0[] = {
#else
const size_t layout_count = 65;
const struct layout layout_now[] = {
#endif
	MEMBER(almoner_text, p),
	MEMBER(almoner_text, len),
	MEMBER(almoner_option, name),
	MEMBER(almoner_option, type),
	MEMBER(almoner_option, required),
	MEMBER(almoner_option, secret),
	MEMBER(almoner_option, fallback),
	MEMBER(almoner_option, choices),
	MEMBER(almoner_option, help),
	MEMBER(almoner_traits, repeat),
	MEMBER(almoner_traits, repeat_ttl_ms),
	MEMBER(almoner_traits, capabilities),
	MEMBER(almoner_host, ctx),
	MEMBER(almoner_host, log),
	MEMBER(almoner_error, text),
	MEMBER(almoner_step, purpose),
	MEMBER(almoner_step, saga),
	MEMBER(almoner_step, generation),
	MEMBER(almoner_step, attempt),
	MEMBER(almoner_step, now_ms),
	MEMBER(almoner_step, name),
	MEMBER(almoner_step, source),
	MEMBER(almoner_step, event_id),
	MEMBER(almoner_step, event),
	MEMBER(almoner_step, steps),
	MEMBER(almoner_step, own_result),
	MEMBER(almoner_step, checkpoint),
	MEMBER(almoner_step, key_ctx),
	MEMBER(almoner_step, key),
	MEMBER(almoner_step, accepted_ms),
	MEMBER(almoner_http, method),
	MEMBER(almoner_http, url),
	MEMBER(almoner_http, headers),
	MEMBER(almoner_http, header_count),
	MEMBER(almoner_http, body),
	MEMBER(almoner_mail, host),
	MEMBER(almoner_mail, port),
	MEMBER(almoner_mail, tls),
	MEMBER(almoner_mail, username),
	MEMBER(almoner_mail, from),
	MEMBER(almoner_mail, to),
	MEMBER(almoner_mail, message),
	MEMBER(almoner_done, result_class),
	MEMBER(almoner_done, status),
	MEMBER(almoner_done, retry_after_ms),
	MEMBER(almoner_done, detail),
	MEMBER(almoner_done, result),
	MEMBER(almoner_action, kind),
	MEMBER(almoner_action, effect),
	MEMBER(almoner_action, checkpoint),
	MEMBER(almoner_action, http),
	MEMBER(almoner_action, mail),
	MEMBER(almoner_action, done),
	MEMBER(almoner_reply, status),
	MEMBER(almoner_reply, headers),
	MEMBER(almoner_reply, body),
	MEMBER(almoner_reply, truncated),
	MEMBER(almoner_reply, retry_after_ms),
	MEMBER(almoner_connector, abi_major),
	MEMBER(almoner_connector, abi_minor),
	MEMBER(almoner_connector, name),
	MEMBER(almoner_connector, options),
	MEMBER(almoner_connector, option_size),
	MEMBER(almoner_connector, open),
	MEMBER(almoner_connector, end),
};
