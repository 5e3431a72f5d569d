/* What the engine needs from outside, as tables of functions. The daemon fills them with the real ones
 * (gateway/net, gateway/plugin, gateway/expr); the simulation in tests/sim fills them with its own, which
 * run in virtual time. */
#ifndef ALMONER_ENGINE_PORTS_H
#define ALMONER_ENGINE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"
#include "saga/base/err.h"

/* ---- transport: one exchange with a target ---- */

enum transport_verdict {
	TRANSPORT_REPLY, /* a complete reply arrived: status, headers, body */
	/* the exchange failed before the request was sent, so it had no effect: DNS, connect, TLS, greeting */
	TRANSPORT_UNREACHABLE,
	TRANSPORT_UNKNOWN,     /* bytes of the request were sent, but no complete reply arrived */
	TRANSPORT_NOT_SENDABLE /* the request itself is invalid: bad URL, forbidden scheme, bad mail address */
};

struct transport_limits {
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* the time-out of the whole exchange, connecting included */
	/* the largest body of a reply: a longer body is cut off and marked as truncated */
	size_t reply_cap_bytes;
	/* Use a new connection and do not reuse it afterwards. For steps that must not be repeated: libcurl
	 * silently sends a request again when a reused connection turns out to be dead. */
	bool fresh_connection;
};

struct transport_result {
	enum transport_verdict verdict;
	struct almoner_reply reply; /* valid for TRANSPORT_REPLY; borrowed until `done` returns */
	/* a description of a failed exchange: one line for operators, without secrets */
	char detail[200];
	int64_t duration_ms;
};

struct transport_request {
	uint32_t target;               /* connections are pooled and capped per target id */
	enum almoner_action_kind kind; /* ALMONER_SEND_HTTP or ALMONER_SEND_MAIL */
	/* The one that `kind` names is valid and borrowed until `done` or `cancel`: the engine keeps the
	 * connector's action alive that long. */
	const struct almoner_http *http;
	const struct almoner_mail *mail;
	struct transport_limits limits;
	void *ctx;
	/* Called exactly once, unless the exchange is cancelled; never from inside `submit`. Thread: the
	 * engine's. */
	void (*done)(void *ctx, const struct transport_result *result);
};

struct transport {
	void *ctx;
	/* Starts an exchange and returns a handle for `cancel`, never NULL. The request is copied; what it
	 * points to is borrowed. */
	void *(*submit)(void *ctx, const struct transport_request *request);
	/* Drops the exchange, whose handle is invalid afterwards; `done` is not called. */
	void (*cancel)(void *ctx, void *exchange);
};

/* ---- connector instances ---- */

/* One target's opened connector. The functions are those of struct almoner_connector; gateway/plugin
 * stands between: it records each call in the black box, limits its time, and checks each answer. */
struct connector_port {
	void *ctx; /* the struct instance of gateway/plugin */
	int (*begin)(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error);
	int (*next)(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error);
	void (*end)(void *ctx, void *attempt);
};

/* ---- expressions ---- */

/* Evaluates the `when` condition of a step that runs after other steps. */
struct condition_port {
	void *ctx;
	/* Returns 0 and whether the condition is true, or ERR_* when the program fails or the inputs are no
	 * JSON objects. The program sees the members of `event_json`, and `steps_json` as `.steps`. */
	int (*eval)(void *ctx, const char *program, struct str event_json, struct str steps_json, bool *ret_true,
				struct err *err);
};

#endif
