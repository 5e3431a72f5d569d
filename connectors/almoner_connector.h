/* almoner connector interface, version 1.1: the one header a connector needs.
 *
 * A connector is a shared object that knows one kind of downstream. It never opens a socket, blocks,
 * starts a thread or sees the event loop: the gateway asks "what next?", the connector answers with one
 * request to send or with a final outcome, the gateway performs it and asks again with the reply.
 *
 *     open ──► begin ──► next(NULL) ──► HTTP / MAIL ──► next(reply) ──► … ──► DONE ──► end ──► close
 *
 * Rules
 *   Threads    Every call of one instance comes from one thread, one at a time. Instances share nothing.
 *   Time       A call must return within milliseconds; after 5 s the gateway stops and blames the step.
 *   Memory     Each side frees its own. What the host hands in lives until the call returns, unless said
 *              otherwise. What the connector hands out in an action must live until the next call for the
 *              same attempt (`next` or `end`).
 *   Strings    Length-counted and NUL-terminated at p[len]; UTF-8. An absent string has p == NULL.
 *   Repeats    The same step may be begun again after any failure, also after a restart. Use the host's
 *              `key` for the idempotency key: it is the same on every attempt.
 *   Undo       Must answer OK when what it should undo never happened; see ALMONER_CAN_UNDO_NOTHING.
 *   Extension  Structs only grow at the end and carry their size first. A plugin with another major, or a
 *              newer minor than the host's, is refused with a message that names the field.
 *
 * Changes
 *   1.0  first version
 *   1.1  almoner_step.do_key, ALMONER_UNDO_IDEMPOTENT
 */
#ifndef ALMONER_CONNECTOR_H
#define ALMONER_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALMONER_ABI_MAJOR 1
#define ALMONER_ABI_MINOR 1

#if defined(__GNUC__)
#define ALMONER_EXPORT __attribute__((visibility("default")))
#else
#define ALMONER_EXPORT
#endif

struct almoner_text {
	const char *p;
	size_t len;
};

/* ---- options: checked, documented and masked by the host ---- */

enum almoner_option_type {
	ALMONER_OPTION_STRING = 1,
	ALMONER_OPTION_INTEGER = 2,
	ALMONER_OPTION_BOOLEAN = 3,
	ALMONER_OPTION_DURATION = 4, /* written "30s"; the connector sees an integer of milliseconds */
	ALMONER_OPTION_BYTES = 5,    /* written "1MiB"; the connector sees an integer of bytes */
	ALMONER_OPTION_URL = 6,      /* an absolute http, https, smtp or smtps URL */
	ALMONER_OPTION_CHOICE = 7,   /* one of `choices`, separated by '|' */
	ALMONER_OPTION_FILE = 8, /* a path, relative to its configuration file; the connector sees the contents */
	ALMONER_OPTION_JSON = 9  /* any JSON value, handed on as it is */
};

struct almoner_option {
	const char *name;
	uint32_t type; /* enum almoner_option_type */
	uint32_t required;
	uint32_t secret;      /* written {"$env":…} or {"$file":…}; never printed */
	const char *fallback; /* the default as JSON text, NULL for none */
	const char *choices;  /* for CHOICE: "none|starttls|tls" */
	const char *help;     /* one sentence */
};

/* ---- what a configured instance promises ---- */

/* What may happen when the same step is sent twice. There is no default. */
enum almoner_repeat {
	ALMONER_REPEAT_IDEMPOTENT = 1, /* sending twice has the effect of once, for ever */
	ALMONER_REPEAT_KEYED = 2,      /* the target recognises our key, for repeat_ttl_ms */
	ALMONER_REPEAT_QUERYABLE = 3,  /* we can look whether it happened (ALMONER_LOOKUP) */
	ALMONER_REPEAT_UNSAFE = 4      /* twice is twice, and nobody can tell */
};

enum almoner_capability {
	ALMONER_CAN_UNDO = 1u << 0,
	ALMONER_CAN_UNDO_NOTHING = 1u << 1, /* undoing what never happened is safe, and bars a late action */
	ALMONER_CAN_LOOKUP = 1u << 2,
	ALMONER_UNDO_IDEMPOTENT =
		1u << 3 /* since 1.1: undoing twice has the effect of once, whatever `repeat` says of DO */
};

struct almoner_traits {
	uint32_t size;
	uint32_t repeat;        /* enum almoner_repeat */
	uint64_t repeat_ttl_ms; /* for KEYED: how long the target remembers a key */
	uint32_t capabilities;  /* of enum almoner_capability */
};

/* ---- services of the host ---- */

struct almoner_host {
	uint32_t size;
	void *ctx;
	/* A line in the gateway's log. level: 0 debug, 1 info, 2 warning, 3 error. Never a secret or a donor's
	 * data. */
	void (*log)(void *ctx, uint32_t level, const char *text);
};

/* Filled by the connector where a call fails: one sentence for a person. */
struct almoner_error {
	uint32_t size;
	char text[400];
};

/* ---- one attempt ---- */

enum almoner_purpose {
	ALMONER_DO = 1,    /* make it happen */
	ALMONER_UNDO = 2,  /* reverse it; `own_result` is what DO gave back, absent if unknown */
	ALMONER_LOOKUP = 3 /* did DO happen? Finish with OK, ABSENT or another class. Only reads */
};

struct almoner_step {
	uint32_t size;
	uint32_t purpose;         /* enum almoner_purpose */
	uint64_t saga;            /* for texts and references, not for idempotency */
	uint32_t generation;      /* grows only when a person asks to send again */
	uint32_t attempt;         /* from 1 within the generation */
	int64_t now_ms;           /* wall clock, milliseconds since 1970 */
	struct almoner_text name; /* of the step */
	struct almoner_text source;
	struct almoner_text event_id;   /* the sender's */
	struct almoner_text event;      /* the canonical event, JSON */
	struct almoner_text steps;      /* results of earlier steps: {"books":{"id":"…"}}, JSON */
	struct almoner_text own_result; /* JSON; absent unless known */
	struct almoner_text checkpoint; /* what the last durable action carried; absent at the first attempt */
	/* The idempotency key for one exchange, 32 hex digits and a NUL: the same on every attempt. `label` tells
	 * several effects of one step apart; "" for the only or main one. UNDO has keys of its own; LOOKUP is
	 * given those of the DO it asks about. May be called until `end`. */
	void *key_ctx;
	void (*key)(void *key_ctx, const char *label, char out[33]);
	/* When the gateway accepted the event, milliseconds since 1970; 0: unknown. The same on every attempt, so
	 * it may stand in what is sent, where `now_ms` may not: the bytes of a repeat must be those of the first.
	 */
	int64_t accepted_ms;
	/* Since 1.1. As `key`, of the last DO of this step, whatever the purpose: an UNDO that does not know what
	 * DO gave back may look for it by the key that DO carried. */
	void (*do_key)(void *key_ctx, const char *label, char out[33]);
};

enum almoner_effect {
	ALMONER_READS = 1,  /* may be repeated at will; a failure leaves no doubt */
	ALMONER_EFFECTS = 2 /* may change something */
};

struct almoner_header {
	struct almoner_text name;
	struct almoner_text value;
};

struct almoner_http {
	struct almoner_text method; /* upper case */
	struct almoner_text url;    /* absolute, http or https */
	const struct almoner_header *headers;
	size_t header_count;
	struct almoner_text body; /* absent: no body */
};

enum almoner_mail_tls { ALMONER_TLS_NONE = 1, ALMONER_TLS_STARTTLS = 2, ALMONER_TLS_DIRECT = 3 };

struct almoner_mail {
	struct almoner_text host;
	uint32_t port;
	uint32_t tls;                 /* enum almoner_mail_tls; STARTTLS is required, not tried */
	struct almoner_text ehlo;     /* name we greet with; absent: the host's choice */
	struct almoner_text username; /* absent: no login */
	struct almoner_text password;
	struct almoner_text from; /* bare addresses, no angle brackets */
	struct almoner_text to;
	struct almoner_text message; /* complete RFC 5322 message, CRLF line ends, not dot-stuffed */
};

enum almoner_class {
	ALMONER_OK = 1,
	ALMONER_UNREACHABLE = 2, /* certainly no effect, try again */
	ALMONER_BUSY = 3,        /* certainly no effect, the target asks for patience */
	ALMONER_UNKNOWN = 4,     /* may have taken effect */
	ALMONER_EXISTS = 5,      /* the target says it has this already, and looking did not settle it */
	ALMONER_REJECTED = 6,    /* certainly no effect; this message will never be taken */
	ALMONER_DENIED = 7,      /* certainly no effect; our credentials are refused */
	ALMONER_FAULT = 8,       /* the connector cannot go on: a template fails, a reply makes no sense */
	ALMONER_ABSENT = 9,      /* only for LOOKUP: it did not happen */
	ALMONER_FORBIDDEN = 10 /* a 403: credentials or only this message? The host finds out with another step */
};

struct almoner_done {
	uint32_t result_class;      /* enum almoner_class */
	uint32_t status;            /* the target's own code (HTTP, SMTP), 0 for none */
	int64_t retry_after_ms;     /* not before; 0: not said */
	struct almoner_text detail; /* one line for a person; no secrets */
	struct almoner_text result; /* JSON object: {"id":…,"url":…, other outputs}; absent for none */
};

enum almoner_action_kind { ALMONER_SEND_HTTP = 1, ALMONER_SEND_MAIL = 2, ALMONER_FINISH = 3 };

struct almoner_action {
	uint32_t size;
	uint32_t kind;   /* enum almoner_action_kind */
	uint32_t effect; /* enum almoner_effect, for the two SEND kinds */
	/* Before an EFFECTS exchange that is not the attempt's first one, the host makes this durable and hands
	 * it in again as step.checkpoint at the next attempt. Absent: nothing to remember. At most 4 KiB. */
	struct almoner_text checkpoint;
	struct almoner_http http;
	struct almoner_mail mail;
	struct almoner_done done;
};

/* A complete answer of the peer. Transport trouble (no connection, time-out, reset) never comes here: the
 * host turns it into UNREACHABLE or UNKNOWN itself and ends the attempt. */
struct almoner_reply {
	uint32_t size;
	uint32_t status;                      /* HTTP status, or the last SMTP reply code */
	const struct almoner_header *headers; /* HTTP; names as received, compare without case */
	size_t header_count;
	struct almoner_text body; /* HTTP body, or the text of the last SMTP reply */
	uint32_t truncated;       /* the body was longer than the host keeps */
	int64_t retry_after_ms;   /* from Retry-After, already parsed; 0: not said */
};

/* ---- the descriptor ---- */

struct almoner_connector {
	uint32_t size; /* sizeof(struct almoner_connector) of the plugin's header */
	uint16_t abi_major;
	uint16_t abi_minor;
	const char *name; /* what configuration calls it */
	const char *version;
	const char *summary; /* one line */
	const char *proven;  /* how far: "real server", "vendor's vectors", "vendor's schema", "documents only" */
	const struct almoner_option *options;
	size_t option_count;
	size_t option_size; /* sizeof(struct almoner_option) */

	/* Makes an instance from checked settings (a JSON object; defaults filled in, secrets resolved, files
	 * read) and says what it promises. Returns 0, or -1 with `error` filled. `host` outlives the instance. */
	int (*open)(const struct almoner_host *host, struct almoner_text settings, void **instance,
				struct almoner_traits *traits, struct almoner_error *error);
	void (*close)(void *instance);

	/* Starts an attempt. `step` and its texts live until `end`. Returns 0, or -1 with `error` filled (the
	 * outcome is then FAULT; `end` is not called). */
	int (*begin)(void *instance, const struct almoner_step *step, void **attempt,
				 struct almoner_error *error);
	/* What next? `reply` is NULL on the first call. Returns 0 with `action` filled, or -1 with `error` filled
	 * (FAULT). Called at most 16 times an attempt. */
	int (*next)(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error);
	/* Frees the attempt; may come at any time, also without a reply to the last action. */
	void (*end)(void *attempt);
};

/* The one symbol a plugin exports. The result lives as long as the plugin is loaded. */
ALMONER_EXPORT const struct almoner_connector *almoner_connector(void);

#ifdef __cplusplus
}
#endif

#endif
