/* A libcurl handle for one mail: one recipient, one connection. What would become a command of its own is
 * looked at here, before libcurl pastes it into one. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/net/exchange.h"
#include "gateway/net/smtp/address.h"
#include "gateway/net/smtp/worker.h"
#include "saga/base/mem.h"

/* ---- what may be sent ---- */

static bool has_nul(struct almoner_text text)
{
	return text.p != NULL && memchr(text.p, '\0', text.len) != NULL;
}

const char *smtp_message_fault(const struct almoner_mail *mail, char text[200])
{
	const struct {
		const char *what;
		const char *fault;
	} parts[] = {
		{ "the mail server", address_host_fault(mail->host) },
		{ "the name we greet with", mail->ehlo.p != NULL ? address_host_fault(mail->ehlo) : NULL },
		{ "the sender's address", address_fault(mail->from) },
		{ "the recipient's address", address_fault(mail->to) },
		{ "the message", address_message_fault(mail->message) },
		{ "the login", has_nul(mail->username) || has_nul(mail->password) ? "has a NUL byte" : NULL },
		{ "the port", mail->port == 0 || mail->port > 65535 ? "is not between 1 and 65535" : NULL },
		{ "the kind of TLS",
		  mail->tls < ALMONER_TLS_NONE || mail->tls > ALMONER_TLS_DIRECT ? "is not one we know" : NULL },
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].fault != NULL) {
			snprintf(text, 200, "%s %s", parts[i].what, parts[i].fault);
			return text;
		}
	return NULL;
}

/* ---- callbacks of libcurl ---- */

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
	struct smtp_worker *worker = ctx;
	size_t left = worker->mail.message.len - worker->sent;
	size_t capacity = size * count;
	size_t take = left < capacity ? left : capacity;
	memcpy(to, worker->mail.message.p + worker->sent, take);
	worker->sent += take;
	return take;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct smtp_worker *worker = ctx;
	worker->looking_up = false;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A reply without end keeps newer libcurls within one call, where no time-out and no progress is looked at. */
static size_t on_reply_line(char *line, size_t size, size_t count, void *ctx)
{
	struct smtp_worker *worker = ctx;
	if (smtp_worker_is_done(worker))
		return 0;
	smtp_reply_line(&worker->reply, line, size * count);
	return size * count;
}

/* ---- the handle ---- */

/* The path of the URL is the name in EHLO. */
static CURLcode set_url(CURL *easy, const struct almoner_mail *mail)
{
	const char *scheme = mail->tls == ALMONER_TLS_DIRECT ? "smtps" : "smtp";
	bool colons = memchr(mail->host.p, ':', mail->host.len) != NULL;
	AUTO_FREE char *url = mem_printf("%s://%s%s%s:%u/%s", scheme, colons ? "[" : "", mail->host.p,
									 colons ? "]" : "", mail->port, mail->ehlo.p != NULL ? mail->ehlo.p : "");
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	return code;
}

static CURLcode set_limits(CURL *easy, const struct transport_limits *limits)
{
	const struct curl_long_option longs[] = {
		{ CURLOPT_CONNECTTIMEOUT_MS, curl_options_timeout(limits->connect_timeout_ms) },
		{ CURLOPT_TIMEOUT_MS, curl_options_timeout(limits->timeout_ms) },
		/* libcurl's own limit of two minutes a reply must not be the shorter one */
		{ CURLOPT_SERVER_RESPONSE_TIMEOUT, curl_options_timeout(limits->timeout_ms) / 1000 + 1 },
		{ CURLOPT_FRESH_CONNECT, 1 },
		{ CURLOPT_FORBID_REUSE, 1 },
		{ CURLOPT_UPLOAD, 1 },
		{ 0, 0 },
	};
	return curl_options_set_longs(easy, longs);
}

static CURLcode set_login(CURL *easy, const struct almoner_mail *mail)
{
	if (mail->username.p == NULL)
		return CURLE_OK;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_USERNAME, mail->username.p);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password.p != NULL ? mail->password.p : "");
	return code;
}

static CURLcode set_envelope(struct smtp_worker *worker)
{
	const struct almoner_mail *mail = &worker->mail;
	/* libcurl only reads the list; its type has no const */
	memcpy(&worker->recipient.data, &mail->to.p, sizeof(worker->recipient.data));
	CURLcode code = curl_easy_setopt(worker->easy, CURLOPT_MAIL_FROM, mail->from.p);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_MAIL_RCPT, &worker->recipient);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.len);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_USE_SSL,
								(long)(mail->tls == ALMONER_TLS_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	return code;
}

static CURLcode set_callbacks(struct smtp_worker *worker)
{
	CURLcode code = curl_easy_setopt(worker->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_OPENSOCKETDATA, worker);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_READFUNCTION, on_read);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_READDATA, worker);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_HEADERFUNCTION, on_reply_line);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_HEADERDATA, worker);
	return code;
}

CURLcode smtp_message_init(struct smtp_worker *worker, const struct transport_limits *limits)
{
	CURLcode code = curl_options_set_common(worker->easy, worker->error);
	if (code == CURLE_OK)
		code = set_url(worker->easy, &worker->mail);
	if (code == CURLE_OK)
		code = set_limits(worker->easy, limits);
	if (code == CURLE_OK)
		code = set_login(worker->easy, &worker->mail);
	if (code == CURLE_OK)
		code = set_envelope(worker);
	if (code == CURLE_OK)
		code = set_callbacks(worker);
	return code;
}
