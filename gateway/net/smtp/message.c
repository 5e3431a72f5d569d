#include "gateway/net/smtp/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/net/curl_options.h"
#include "saga/base/mail_address.h"
#include "saga/base/mem.h"

/* ---- what may be sent ---- */

static bool has_nul(struct almoner_text text)
{
	return text.p != NULL && memchr(text.p, '\0', text.len) != NULL;
}

static struct str str_of_text(struct almoner_text text)
{
	return (struct str){ text.p, text.len };
}

/* A lone CR or LF is the start of SMTP smuggling: some servers take it for a line end and see the end of
 * the mail where others do not. */
const char *smtp_message_body_fault(struct almoner_text message)
{
	if (message.p == NULL || message.len == 0)
		return "the message is empty";
	for (size_t i = 0; i < message.len; i++) {
		char c = message.p[i];
		bool pair = i + 1 < message.len && c == '\r' && message.p[i + 1] == '\n';
		if (pair)
			i++;
		else if (c == '\r' || c == '\n')
			return "the message has a line break that is not CR LF";
		else if (c == '\0')
			return "the message has a NUL byte";
	}
	return NULL;
}

/* Checks all parts of the mail; the first fault in the order of the table is reported. */
const char *smtp_message_fault(const struct almoner_mail *mail, char text[SMTP_FAULT_BYTES])
{
	const struct {
		const char *what;
		const char *fault;
	} parts[] = {
		{ "the mail server", mail_address_host_fault(str_of_text(mail->host)) },
		{ "the name for the greeting (EHLO)",
		  mail->ehlo.p != NULL ? mail_address_host_fault(str_of_text(mail->ehlo)) : NULL },
		{ "the sender's address", mail_address_fault(str_of_text(mail->from), true) },
		{ "the recipient's address", mail_address_fault(str_of_text(mail->to), true) },
		{ "the message", smtp_message_body_fault(mail->message) },
		{ "the user name or password",
		  has_nul(mail->username) || has_nul(mail->password) ? "the text has a NUL byte" : NULL },
		{ "the port",
		  mail->port == 0 || mail->port > 65535 ? "the number is not between 1 and 65535" : NULL },
		{ "the kind of TLS", mail->tls < ALMONER_TLS_NONE || mail->tls > ALMONER_TLS_DIRECT
								 ? "this version does not know the value"
								 : NULL },
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].fault != NULL) {
			snprintf(text, SMTP_FAULT_BYTES, "%s: %s", parts[i].what, parts[i].fault);
			return text;
		}
	return NULL;
}

/* ---- the copy of the mail ---- */

static size_t copy_bytes(struct almoner_text text)
{
	return text.p != NULL ? text.len + 1 : 0;
}

static char *put_text(char *to, struct almoner_text *text)
{
	if (text->p == NULL)
		return to;
	memcpy(to, text->p, text->len);
	to[text->len] = '\0';
	text->p = to;
	return to + text->len + 1;
}

/* Copies the texts of the mail into one allocation. The engine's texts live until the outcome is reported,
 * but the thread of a cancelled mail may still use them after that. */
static void copy_mail(struct smtp_message *m, const struct almoner_mail *mail)
{
	m->mail = *mail;
	struct almoner_text *texts[] = { &m->mail.host, &m->mail.ehlo, &m->mail.username, &m->mail.password,
									 &m->mail.from, &m->mail.to,   &m->mail.message };
	size_t bytes = 1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bytes += copy_bytes(*texts[i]);
	m->texts = mem_alloc(bytes);
	char *to = m->texts;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		to = put_text(to, texts[i]);
}

/* ---- callbacks of libcurl ---- */

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
	struct smtp_message *m = ctx;
	size_t left = m->mail.message.len - m->sent_bytes;
	size_t capacity = size * count;
	size_t take = left < capacity ? left : capacity;
	memcpy(to, m->mail.message.p + m->sent_bytes, take);
	m->sent_bytes += take;
	return take;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct smtp_message *m = ctx;
	m->looking_up = false;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- the handle ---- */

/* libcurl takes the name for EHLO from the path of the URL. */
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
		/* Without this option libcurl gives each reply two minutes, which may be less than the time-out. */
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

/* ALMONER_TLS_STARTTLS requires TLS: CURLUSESSL_ALL fails if the server does not offer STARTTLS. */
static CURLcode set_envelope(struct smtp_message *m)
{
	const struct almoner_mail *mail = &m->mail;
	/* libcurl only reads the list, but the type of its text is not const: the pointer is copied byte by
	 * byte. */
	memcpy(&m->recipient.data, &mail->to.p, sizeof(m->recipient.data));
	CURLcode code = curl_easy_setopt(m->easy, CURLOPT_MAIL_FROM, mail->from.p);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_MAIL_RCPT, &m->recipient);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.len);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_USE_SSL,
								(long)(mail->tls == ALMONER_TLS_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	return code;
}

static CURLcode set_callbacks(struct smtp_message *m)
{
	CURLcode code = curl_easy_setopt(m->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_OPENSOCKETDATA, m);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_READFUNCTION, on_read);
	if (code == CURLE_OK)
		code = curl_easy_setopt(m->easy, CURLOPT_READDATA, m);
	return code;
}

/* The mail is copied before anything can fail, so that smtp_message_finish may be called after every
 * error. */
CURLcode smtp_message_init(struct smtp_message *m, const struct almoner_mail *mail,
						   const struct transport_limits *limits)
{
	*m = (struct smtp_message){ .looking_up = true, .easy = curl_easy_init() };
	copy_mail(m, mail);
	if (m->easy == NULL)
		return CURLE_OUT_OF_MEMORY;
	CURLcode code = curl_options_set_common(m->easy, m->error);
	if (code == CURLE_OK)
		code = set_url(m->easy, &m->mail);
	if (code == CURLE_OK)
		code = set_limits(m->easy, limits);
	if (code == CURLE_OK)
		code = set_login(m->easy, &m->mail);
	if (code == CURLE_OK)
		code = set_envelope(m);
	if (code == CURLE_OK)
		code = set_callbacks(m);
	return code;
}

void smtp_message_finish(struct smtp_message *m)
{
	curl_easy_cleanup(m->easy);
	free(m->texts);
	*m = (struct smtp_message){ 0 };
}
