/* The options of the http connector; http_settings.c reads them. */
#include "connectors/http/http_settings.h"
#include "connectors/kit/settings.h"

const struct almoner_option http_settings_options[HTTP_OPTION_COUNT] = {
	KIT_OPTION("url", URL, .required = 1,
			   .help = "Where to send. May contain tags after the host, each escaped as one component: "
					   "https://crm.example/gifts/{{id}}"),
	KIT_OPTION("method", STRING, .fallback = "\"POST\"", .help = "Method of the request"),
	KIT_OPTION("headers", JSON, .fallback = "{}",
			   .help = "More headers, by name. The values are text templates; write secrets as "
					   "{\"$env\": …}"),
	KIT_OPTION("body", JSON,
			   .help = "A JSON value is a JSON template, a string is a text template. Without it the "
					   "canonical event is sent unchanged"),
	KIT_OPTION("content_type", STRING,
			   .help = "Content-Type. The default is text/plain if the body is a text template, otherwise "
					   "application/json"),
	KIT_OPTION("repeat", CHOICE, .required = 1, .choices = "idempotent|keyed|queryable|unsafe",
			   .help = "What happens if the same request is sent twice. idempotent: the effect of one, for "
					   "ever (a PUT of a whole record). keyed: the target recognises our key for repeat_ttl. "
					   "queryable: a look-up shows whether it happened (needs lookup). unsafe: it happens "
					   "twice, so a step in doubt waits for an operator"),
	KIT_OPTION("repeat_ttl", DURATION, .fallback = "\"24h\"",
			   .help = "keyed: how long the target remembers a key"),
	KIT_OPTION("key_header", STRING, .fallback = "\"Idempotency-Key\"",
			   .help = "Header that carries the key; \"\" sends no key"),
	KIT_OPTION("key_quoted", BOOLEAN, .fallback = "false",
			   .help = "Puts the key in quotes. The IETF draft wants quotes, most vendors do not"),
	KIT_OPTION("success", JSON, .fallback = "{}",
			   .help = "How to recognise success: {\"status\": [200, 201], \"path\": \".ok\", \"equals\": "
					   "true}. The default is any 2xx"),
	KIT_OPTION("id", STRING,
			   .help = "Path of the new record's id in the reply (.id). Later steps and the undo use it"),
	KIT_OPTION("error", STRING, .help = "Path of the target's own error text in the reply: .error.message"),
	KIT_OPTION("exists_status", JSON, .fallback = "[409, 412]",
			   .help = "Statuses that mean that the target has this record already"),
	KIT_OPTION("undo", JSON,
			   .help = "How to reverse it: {\"method\": \"DELETE\", \"url\": "
					   "\"https://crm.example/gifts/{{own.id}}\"}, with a body as above. \"gone_status\": "
					   "[404, 410] counts as undone. \"nothing_is_safe\": true if an undo of what never "
					   "happened also prevents it from happening later. \"idempotent\": true if the undo may "
					   "be sent twice, whatever repeat says"),
	KIT_OPTION("lookup", JSON,
			   .help =
				   "How to see whether it happened: {\"url\": "
				   "\"https://crm.example/gifts?key={{key}}\", \"found\": \".items.0\"}. found is a path "
				   "or a list of statuses. With a path, \"equals\" (a template) is the value that must be "
				   "there; another value needs an operator. \"id\" is the path of the record's id"),
	KIT_OPTION("etag", JSON,
			   .help = "Writes only onto the record that was read: {\"url\": "
					   "\"https://crm.example/donors/{{donor.id}}\"} is read first (without url: the URL of "
					   "the write), and its ETag is sent as If-Match, or If-None-Match: * if there is no "
					   "record yet. A 412 then means that another writer changed the record: it is read and "
					   "written again"),
};
