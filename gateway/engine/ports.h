/* What the engine needs from outside, as tables of functions. The composition root wires the real ones
 * (gateway/net, gateway/plugin, gateway/expr, saga/journal); the simulation wires its own, in virtual time.
 */
#ifndef ALMONER_ENGINE_PORTS_H
#define ALMONER_ENGINE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"
#include "saga/base/err.h"

/* ---- transport: one exchange on the wire ---- */

enum transport_verdict {
	TRANSPORT_REPLY,       /* a complete reply: status, headers, body */
	TRANSPORT_UNREACHABLE, /* nothing of this exchange can have taken effect: DNS, connect, TLS, greeting */
	TRANSPORT_UNKNOWN,     /* bytes of the request went out, no complete reply came */
	TRANSPORT_NOT_SENDABLE /* the request itself is not sendable (bad URL, forbidden scheme, bad address) */
};

struct transport_limits {
	int64_t connect_timeout_ms;
	int64_t timeout_ms;     /* the whole exchange */
	size_t reply_cap_bytes; /* more is cut off and marked truncated; reading stops there */
	bool fresh_connection;  /* `unsafe` steps: a new connection, not reused afterwards (no silent resend) */
};

struct transport_result {
	enum transport_verdict verdict;
	struct almoner_reply reply; /* valid for REPLY; borrowed until `done` returns */
	char detail[200];           /* one line for a person, for the other verdicts; no secrets */
	int64_t duration_ms;
};

struct transport_request {
	uint32_t target;               /* connections are pooled and capped per target id */
	enum almoner_action_kind kind; /* SEND_HTTP or SEND_MAIL */
	/* Borrowed; must stay valid until `done` or `cancel`. The engine keeps the connector's action alive. */
	const struct almoner_http *http;
	const struct almoner_mail *mail;
	struct transport_limits limits;
	void *ctx;
	/* Exactly once unless cancelled; never from inside `submit`. Thread: the engine's. */
	void (*done)(void *ctx, const struct transport_result *result);
};

struct transport {
	void *ctx;
	/* Starts an exchange and returns a handle for `cancel`; never NULL. */
	void *(*submit)(void *ctx, const struct transport_request *request);
	/* Drops the exchange; `done` will not be called. */
	void (*cancel)(void *ctx, void *exchange);
};

/* ---- connector instances ---- */

/* One target's opened connector. Calls go through the plugin room, which keeps the black box and the
 * watchdog. */
struct connector_port {
	void *ctx; /* the plugin room's instance */
	int (*begin)(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error);
	int (*next)(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error);
	void (*end)(void *ctx, void *attempt);
};

/* ---- expressions ---- */

/* `when` of a step that comes after others. Returns 0 and the verdict, or an error (a broken program). */
struct condition_port {
	void *ctx;
	int (*eval)(void *ctx, const char *program, struct str event_json, struct str steps_json, bool *ret_true,
				struct err *err);
};

#endif
