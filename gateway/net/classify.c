#include "gateway/net/classify.h"

#include <curl/curl.h>

static const struct {
	CURLcode code;
	enum transfer_end end;
} ends[] = {
	{ CURLE_OK, TRANSFER_END_OK },
	{ CURLE_UNSUPPORTED_PROTOCOL, TRANSFER_END_UNUSABLE },
	{ CURLE_URL_MALFORMAT, TRANSFER_END_UNUSABLE },
	{ CURLE_BAD_FUNCTION_ARGUMENT, TRANSFER_END_UNUSABLE },
	{ CURLE_NOT_BUILT_IN, TRANSFER_END_UNUSABLE },
	{ CURLE_OPERATION_TIMEDOUT, TRANSFER_END_NO_ANSWER },
	{ CURLE_RECV_ERROR, TRANSFER_END_NO_ANSWER },
	{ CURLE_GOT_NOTHING, TRANSFER_END_NO_ANSWER },
};

enum transfer_end classify_end(int curl_code)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if ((int)ends[i].code == curl_code)
			return ends[i].end;
	return TRANSFER_END_FAILED;
}

/* Plain HTTP of which the socket accepted no byte had no effect; with TLS the socket's count says nothing
 * about the request, so the outcome is unknown. */
enum transport_verdict classify_http(const struct http_evidence *evidence)
{
	if (evidence->head_complete && (evidence->end == TRANSFER_END_OK || evidence->body_cut_by_us))
		return TRANSPORT_REPLY;
	if (!evidence->request_began)
		return evidence->end == TRANSFER_END_UNUSABLE ? TRANSPORT_NOT_SENDABLE : TRANSPORT_UNREACHABLE;
	if (evidence->request_bytes == 0 && !evidence->encrypted)
		return TRANSPORT_UNREACHABLE;
	return TRANSPORT_UNKNOWN;
}

/* Only the reply to the message can be a success, and before the 354 no mail can have been accepted. A
 * rejection before the 354 is a reply that the connector classifies; a server that does not greet with
 * 220, or falls silent, counts as unreachable. */
enum transport_verdict classify_mail(enum transfer_end end, const struct smtp_reply *dialogue)
{
	if (dialogue->final)
		return TRANSPORT_REPLY;
	if (dialogue->data_accepted)
		return TRANSPORT_UNKNOWN;
	if (end == TRANSFER_END_UNUSABLE && dialogue->replies == 0)
		return TRANSPORT_NOT_SENDABLE;
	bool greeted = dialogue->replies > 0 && dialogue->greeting == 220;
	bool rejected = greeted && dialogue->status >= 400 && end != TRANSFER_END_NO_ANSWER;
	return rejected ? TRANSPORT_REPLY : TRANSPORT_UNREACHABLE;
}
