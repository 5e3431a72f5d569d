/* A mail on a handle of its own: one recipient, one connection. What would become a command of its own is
 * looked at here, before libcurl pastes it into one. */
#include <string.h>

#include "gateway/net/address.h"
#include "gateway/net/exchange.h"
#include "saga/base/mem.h"

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
	struct mail_request *m = ctx;
	size_t left = m->message.len - m->sent;
	size_t room = size * count;
	size_t take = left < room ? left : room;
	memcpy(to, m->message.p + m->sent, take);
	m->sent += take;
	return take;
}

static size_t on_reply_line(char *line, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	smtp_reply_line(&x->smtp_reply, line, size * count);
	return size * count;
}

CURLcode mail_handle_init(struct exchange *x)
{
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_read);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_READDATA, &x->mail);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_reply_line);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	return code;
}

static bool has_nul(struct almoner_text text)
{
	return text.p != NULL && memchr(text.p, '\0', text.len) != NULL;
}

static int check_mail(struct exchange *x, const struct almoner_mail *mail)
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
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].fault != NULL)
			return exchange_refuse(x, "%s %s", parts[i].what, parts[i].fault);
	if (mail->port == 0 || mail->port > 65535)
		return exchange_refuse(x, "the mail server's port %u is not one", mail->port);
	if (mail->tls < ALMONER_TLS_NONE || mail->tls > ALMONER_TLS_DIRECT)
		return exchange_refuse(x, "the kind of TLS %u is not one", mail->tls);
	return 0;
}

/* The path of the URL is the name in EHLO. */
static CURLcode set_url(struct exchange *x, const struct almoner_mail *mail)
{
	const char *scheme = mail->tls == ALMONER_TLS_DIRECT ? "smtps" : "smtp";
	bool colons = memchr(mail->host.p, ':', mail->host.len) != NULL;
	AUTO_FREE char *url = mem_printf("%s://%s%.*s%s:%u/%.*s", scheme, colons ? "[" : "", (int)mail->host.len,
									 mail->host.p, colons ? "]" : "", mail->port, (int)mail->ehlo.len,
									 mail->ehlo.p != NULL ? mail->ehlo.p : "");
	return curl_easy_setopt(x->easy, CURLOPT_URL, url);
}

static CURLcode set_login(struct exchange *x, const struct almoner_mail *mail)
{
	if (mail->username.p == NULL)
		return CURLE_OK;
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_USERNAME, mail->username.p);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PASSWORD, mail->password.p != NULL ? mail->password.p : "");
	return code;
}

static CURLcode set_envelope(struct exchange *x, const struct almoner_mail *mail)
{
	/* libcurl only reads the list; the engine keeps the text */
	memcpy(&x->mail.recipient.data, &mail->to.p, sizeof(x->mail.recipient.data));
	x->mail.message = mail->message;
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_MAIL_FROM, mail->from.p);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_MAIL_RCPT, &x->mail.recipient);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.len);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_USE_SSL,
								(long)(mail->tls == ALMONER_TLS_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	return code;
}

int mail_handle_load(struct exchange *x)
{
	const struct almoner_mail *mail = x->request.mail;
	int failed = check_mail(x, mail);
	if (failed != 0)
		return failed;
	CURLcode code = set_url(x, mail);
	if (code == CURLE_OK)
		code = set_login(x, mail);
	if (code == CURLE_OK)
		code = set_envelope(x, mail);
	return code == CURLE_OK ? 0 : exchange_refuse(x, "libcurl: %s", curl_easy_strerror(code));
}
