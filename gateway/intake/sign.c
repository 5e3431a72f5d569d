#include "gateway/intake/sign.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/verify.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

static void add_header(struct sign_headers *h, const char *name, const char *value)
{
	for (size_t i = 0; i < h->count; i++)
		if (strncasecmp(h->lines[i], name, strlen(name)) == 0 && h->lines[i][strlen(name)] == ':')
			return; /* the header exists already: scheme and preset may use the same header for the id */
	h->lines[h->count++] = mem_printf("%s: %s", name, value);
}

static void encode(enum verify_encoding encoding, const uint8_t *mac, size_t len,
				   char out[2 * MAC_BYTES_MAX + 1])
{
	if (encoding == VERIFY_HEX)
		hex_encode(mac, len, out);
	else
		EVP_EncodeBlock((unsigned char *)out, mac, (int)len);
}

/* Appends one element: "t=1700000000", or only the value if elements have no names. */
static void add_element(const struct config_verify *v, struct buf *to, const char *name, const char *prefix,
						const char *value)
{
	if (to->len > 0)
		buf_text(to, v->element_separator != NULL ? v->element_separator : "");
	if (v->key_separator != NULL && name != NULL)
		buf_printf(to, "%s%s", name, v->key_separator);
	buf_printf(to, "%s%s", prefix != NULL ? prefix : "", value);
}

static void add_hmac(const struct config_source *source, const struct verifier *verifier,
					 const struct verify_signed *s, struct sign_headers *ret)
{
	const struct config_verify *v = &source->verify;
	uint8_t mac[MAC_BYTES_MAX];
	char text[2 * MAC_BYTES_MAX + 1];
	encode(v->encoding, mac, verify_mac(verifier, 0, s, mac), text);
	struct buf value AUTO_BUF = { 0 };
	if (v->timestamp_element != NULL)
		add_element(v, &value, v->timestamp_element, NULL, s->timestamp.p);
	add_element(v, &value, v->signature_element, v->signature_prefix, text);
	add_header(ret, v->header, value.data);
	if (v->timestamp_header != NULL)
		add_header(ret, v->timestamp_header, s->timestamp.p);
	if (v->id_header != NULL)
		add_header(ret, v->id_header, s->id.p);
}

static int sign_hmac(const struct config_source *source, struct str body, const char *id, int64_t wall_ms,
					 const char *url, struct sign_headers *ret, struct err *err)
{
	struct verifier *verifier;
	int rc = verify_create(&source->verify, source->secrets, source->secret_count, &verifier, err);
	if (rc != 0)
		return rc;
	char seconds[24];
	snprintf(seconds, sizeof seconds, "%lld", (long long)(wall_ms / 1000));
	add_hmac(source, verifier, &(struct verify_signed){ str_of(id), str_of(seconds), url, body }, ret);
	verify_destroy(verifier);
	return 0;
}

static int sign_token(const struct config_source *source, struct sign_headers *ret, struct err *err)
{
	const struct config_verify *v = &source->verify;
	if (v->token_header == NULL)
		return err_set(err, ERR_INVALID, "source %s expects its token in the body at %s; write it there",
					   source->name, v->token_pointer != NULL ? v->token_pointer : "?");
	char *value AUTO_FREE =
		mem_printf("%s%s", v->token_prefix != NULL ? v->token_prefix : "", source->secrets[0].value);
	add_header(ret, v->token_header, value);
	return 0;
}

/* The header with the event id is added last: add_header leaves it out if the scheme uses the same header. */
int sign_request(const struct config_source *source, struct str body, const char *id, int64_t wall_ms,
				 const char *url, struct sign_headers *ret, struct err *err)
{
	*ret = (struct sign_headers){ 0 };
	if (source->verify.scheme != VERIFY_NONE && source->secret_count == 0)
		return err_set(err, ERR_INVALID, "source %s has no secret to sign with", source->name);
	int rc = 0;
	if (source->verify.scheme == VERIFY_HMAC)
		rc = sign_hmac(source, body, id, wall_ms, url, ret, err);
	else if (source->verify.scheme == VERIFY_TOKEN)
		rc = sign_token(source, ret, err);
	if (rc == 0 && source->event_id_header != NULL)
		add_header(ret, source->event_id_header, id);
	return rc;
}

void sign_headers_finish(struct sign_headers *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->lines[i]);
	*h = (struct sign_headers){ 0 };
}
