/* What verification needs, made once from the configuration: the template of the signed string in parts, and
 * the secrets as keys. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/decode.h"
#include "gateway/intake/pipeline/verify_internal.h"
#include "saga/base/mem.h"

/* Splits "{timestamp}.{body}" into placeholders and the texts between them. A "{" that begins no
 * placeholder is text. */
static int template_compile(struct verifier *v, const char *text, struct err *err)
{
	static const struct {
		const char *name;
		enum template_part_kind kind;
	} placeholders[] = { { "{id}", TEMPLATE_ID },
						 { "{timestamp}", TEMPLATE_TIMESTAMP },
						 { "{url}", TEMPLATE_URL },
						 { "{body}", TEMPLATE_BODY } };
	const char *at = text;
	while (*at != '\0') {
		if (v->part_count == PARTS_MAX)
			return err_set(err, ERR_INVALID, "the signed string has more than %d parts", PARTS_MAX);
		struct template_part part = { .kind = TEMPLATE_TEXT, .text = { at, 1 + strcspn(at + 1, "{") } };
		for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
			size_t len = strlen(placeholders[i].name);
			if (strncmp(at, placeholders[i].name, len) == 0)
				part = (struct template_part){ .kind = placeholders[i].kind, .text = { at, len } };
		}
		v->signs_time = v->signs_time || part.kind == TEMPLATE_TIMESTAMP;
		v->signs_id = v->signs_id || part.kind == TEMPLATE_ID;
		v->parts[v->part_count++] = part;
		at += part.text.len;
	}
	if (v->part_count == 0)
		return err_set(err, ERR_INVALID, "the signed string is empty");
	return 0;
}

/* A secret that does not begin with the configured prefix is taken as a whole. */
static int secret_compile(const struct config_verify *config, const struct config_secret *from,
						  struct verify_secret *to, struct err *err)
{
	struct str key = { from->value, from->len };
	bool strip = config->scheme == VERIFY_HMAC && config->key != VERIFY_KEY_RAW && config->key_prefix != NULL;
	size_t prefix = strip ? strlen(config->key_prefix) : 0;
	if (strip && key.len >= prefix && memcmp(key.p, config->key_prefix, prefix) == 0)
		key = (struct str){ key.p + prefix, key.len - prefix };
	to->key = mem_alloc(key.len + 1);
	to->len = key.len;
	bool ok = true;
	if (config->scheme == VERIFY_HMAC && config->key == VERIFY_KEY_STRIP_BASE64)
		ok = decode_base64(key, (uint8_t *)to->key, key.len, &to->len);
	else
		memcpy(to->key, key.p, key.len);
	if (!ok || to->len == 0)
		return err_set(err, ERR_INVALID, "a secret (%s) is %s",
					   from->origin != NULL ? from->origin : "literal",
					   ok ? "empty" : "not base64 after its prefix, which this kind of signature requires");
	digest_bytes(to->key, to->len, to->digest);
	return 0;
}

int verify_create(const struct config_verify *config, const struct config_secret *secrets,
				  size_t secret_count, struct verifier **ret, struct err *err)
{
	struct verifier *v = mem_zalloc(sizeof *v);
	v->config = config;
	int rc = 0;
	if (config->scheme == VERIFY_HMAC)
		rc = template_compile(v, config->signed_string != NULL ? config->signed_string : "{body}", err);
	if (config->scheme != VERIFY_NONE)
		v->secrets = mem_zalloc((secret_count + 1) * sizeof *v->secrets);
	for (size_t i = 0; i < secret_count && config->scheme != VERIFY_NONE && rc == 0; i++) {
		/* counted before secret_compile can fail, so that verify_destroy frees the secret's memory */
		v->secret_count++;
		rc = secret_compile(config, &secrets[i], &v->secrets[i], err);
	}
	if (rc != 0) {
		verify_destroy(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void verify_destroy(struct verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->secret_count; i++) {
		if (v->secrets[i].key != NULL)
			OPENSSL_cleanse(v->secrets[i].key, v->secrets[i].len);
		free(v->secrets[i].key);
	}
	free(v->secrets);
	free(v);
}

/* A placeholder for which the request has no value is empty: the MAC then matches no signature of the
 * platform. */
size_t verify_mac(const struct verifier *v, size_t secret, const struct verify_signed *signed_with,
				  uint8_t out[MAC_BYTES_MAX])
{
	assert(v->config->scheme == VERIFY_HMAC && secret < v->secret_count);
	struct str parts[PARTS_MAX];
	for (size_t i = 0; i < v->part_count; i++) {
		const struct str values[] = { [TEMPLATE_TEXT] = v->parts[i].text,
									  [TEMPLATE_ID] = signed_with->id,
									  [TEMPLATE_TIMESTAMP] = signed_with->timestamp,
									  [TEMPLATE_URL] = str_of(signed_with->url),
									  [TEMPLATE_BODY] = signed_with->body };
		parts[i] = values[v->parts[i].kind];
	}
	mac_compute(v->config->hash, (struct str){ v->secrets[secret].key, v->secrets[secret].len }, parts,
				v->part_count, out);
	return mac_bytes(v->config->hash);
}
