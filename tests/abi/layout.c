/* The build compiles this file three times: with the frozen headers of the versions 1.0 and 1.1, and with the
 * present one. FROZEN is the minor version of a frozen header. */
#include "tests/abi/layout.h"

#ifndef FROZEN
#include "connectors/almoner_connector.h"
#define LAYOUT layout_now
#elif FROZEN == 0
#include "tests/abi/almoner_connector_1_0.h"
#define LAYOUT layout_1_0
#else
#include "tests/abi/almoner_connector_1_1.h"
#define LAYOUT layout_1_1
#endif

#define MEMBER(type, name)                                                                                   \
	{ #type "." #name, offsetof(struct type, name), sizeof(((struct type *)NULL)->name), false }

#define SIZE(type) { #type, 0, sizeof(struct type), true }

/* The members of version 1.0 come first, then those of 1.1, and so on: a layout ends with the members of its
 * own version. */
const struct layout LAYOUT[] = {
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
	SIZE(almoner_text),
	SIZE(almoner_header),
	SIZE(almoner_http),
	SIZE(almoner_mail),
#if !defined FROZEN || FROZEN >= 1
	MEMBER(almoner_step, do_key),
#endif
#ifndef FROZEN
	MEMBER(almoner_traits, types),
	MEMBER(almoner_traits, types_of_original),
	MEMBER(almoner_host, name_known),
	MEMBER(almoner_step, original),
	MEMBER(almoner_step, event_version),
	MEMBER(almoner_step, local_day),
	MEMBER(almoner_authorize, grant),
	MEMBER(almoner_authorize, scheme),
	MEMBER(almoner_sign, kind),
	MEMBER(almoner_sign, key),
	MEMBER(almoner_sign, region),
	MEMBER(almoner_sign, service),
	MEMBER(almoner_sign, message_id),
	MEMBER(almoner_done, code),
	MEMBER(almoner_done, rate),
	SIZE(almoner_rate),
	SIZE(almoner_done),
	MEMBER(almoner_action, authorize),
	MEMBER(almoner_action, sign),
	MEMBER(almoner_connector, preview),
#endif
	{ NULL, 0, 0, false },
};
